using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Training;

/// <summary>How far a run is: everything that a resumed run cannot compute from its request.</summary>
/// <remarks>The learning rate, the rows of a step and the dropout are functions of the request and the step, so they are not stored.</remarks>
internal sealed record TrainingProgress
{
    /// <summary>Optimizer steps done.</summary>
    public int Step { get; init; }

    /// <summary>The sum of the losses of these steps.</summary>
    public double LossSum { get; init; }

    /// <summary>Tokens that went through the network in training, padding not counted.</summary>
    public long Tokens { get; init; }

    /// <summary>Seconds spent in these steps.</summary>
    public double Seconds { get; init; }

    /// <summary>The progress after one more step.</summary>
    public TrainingProgress Add(double loss, long tokens, double seconds)
        => this with { Step = Step + 1, LossSum = LossSum + loss, Tokens = Tokens + tokens, Seconds = Seconds + seconds };

    /// <summary>Writes the progress and what it belongs to.</summary>
    public void Save(string file, string fingerprint)
    {
        using var stream = File.Create(file);
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        writer.WriteStartObject();
        writer.WriteString("fingerprint", fingerprint);
        writer.WriteNumber("step", Step);
        writer.WriteNumber("lossSum", LossSum);
        writer.WriteNumber("tokens", Tokens);
        writer.WriteNumber("seconds", Seconds);
        writer.WriteEndObject();
    }

    /// <summary>Reads the progress.</summary>
    /// <exception cref="AlpacaException">The file is damaged, or belongs to another request.</exception>
    public static TrainingProgress Load(string file, string fingerprint)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var root = document.RootElement;
            if (root.GetProperty("fingerprint").GetString() != fingerprint)
                throw new AlpacaException($"{file} belongs to a run with other options or inputs.");
            return new TrainingProgress
            {
                Step = root.GetProperty("step").GetInt32(),
                LossSum = root.GetProperty("lossSum").GetDouble(),
                Tokens = root.GetProperty("tokens").GetInt64(),
                Seconds = root.GetProperty("seconds").GetDouble(),
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IOException)
        {
            throw new AlpacaException($"{file} cannot be read: {e.Message}", e);
        }
    }
}
