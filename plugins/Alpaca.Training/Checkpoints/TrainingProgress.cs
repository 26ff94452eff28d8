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

    /// <summary>The best validation so far.</summary>
    public BestValidation Best { get; init; } = new();

    /// <summary>The progress after one more step.</summary>
    public TrainingProgress Add(double loss, long tokens, double seconds)
        => this with { Step = Step + 1, LossSum = LossSum + loss, Tokens = Tokens + tokens, Seconds = Seconds + seconds };

    /// <summary>Writes the progress and what it belongs to.</summary>
    public void Save(string file, RunFingerprint fingerprint)
    {
        using var stream = File.Create(file);
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        writer.WriteStartObject();
        writer.WriteStartObject("run");
        foreach (var (name, value) in fingerprint.Parts) writer.WriteString(name, value);
        writer.WriteEndObject();
        writer.WriteNumber("step", Step);
        writer.WriteNumber("lossSum", LossSum);
        writer.WriteNumber("tokens", Tokens);
        writer.WriteNumber("seconds", Seconds);
        if (Best.Step is { } step)
        {
            writer.WriteNumber("bestStep", step);
            writer.WriteNumber("bestLoss", Best.Loss);
        }

        writer.WriteNumber("validationsWithoutImprovement", Best.WithoutImprovement);
        writer.WriteEndObject();
    }

    /// <summary>Reads the progress.</summary>
    /// <exception cref="AlpacaException">The file is damaged, or belongs to another run; the message says what differs.</exception>
    public static TrainingProgress Load(string file, RunFingerprint fingerprint)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var root = document.RootElement;
            var run = new RunFingerprint(root.GetProperty("run").EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!)));
            if (fingerprint.DifferencesFrom(run) is { Count: > 0 } differences)
                throw new AlpacaException($"{file} belongs to a run with other options or inputs: {Listing.Of(differences)}.");
            return new TrainingProgress
            {
                Step = root.GetProperty("step").GetInt32(),
                LossSum = root.GetProperty("lossSum").GetDouble(),
                Tokens = root.GetProperty("tokens").GetInt64(),
                Seconds = root.GetProperty("seconds").GetDouble(),
                Best = new BestValidation
                {
                    Step = root.TryGetProperty("bestStep", out var step) ? step.GetInt32() : null,
                    Loss = root.TryGetProperty("bestLoss", out var loss) ? loss.GetDouble() : double.PositiveInfinity,
                    WithoutImprovement = root.GetProperty("validationsWithoutImprovement").GetInt32(),
                },
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IOException or ArgumentException)
        {
            throw new AlpacaException($"{file} cannot be read: {e.Message}", e);
        }
    }
}
