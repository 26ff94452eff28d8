using System.Text;
using System.Text.Json;

namespace Alpaca.Training;

/// <summary><c>train_log.jsonl</c>: one JSON object a line, written through as it happens.</summary>
/// <remarks>
/// <c>{"step","loss","learningRate","gradNorm","tokensPerSecond","tokens"}</c> after an optimizer step (<c>tokens</c> is how many that step trained on) and <c>{"step","evalLoss","perplexity"}</c> after a validation. Steps
/// count from 1; step 0 is the validation before training. Numbers have as many digits as it takes to read the same value back.
/// </remarks>
internal sealed class TrainLog
{
    /// <summary>The file's name.</summary>
    public const string FileName = "train_log.jsonl";

    private readonly string _path;

    /// <summary>Starts the log.</summary>
    /// <param name="folder">The folder of the file.</param>
    /// <param name="earlier">A log to go on from, or <see langword="null"/> to begin.</param>
    public TrainLog(string folder, string? earlier = null)
    {
        _path = Path.Combine(folder, FileName);
        if (earlier is null) File.WriteAllText(_path, "");
        else File.Copy(earlier, _path, overwrite: true);
        foreach (var line in File.ReadLines(_path))
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.TryGetProperty("evalLoss", out var loss))
                LastEvaluation = (document.RootElement.GetProperty("step").GetInt32(), loss.GetDouble());
        }
    }

    /// <summary>The step and the loss of the last validation, if there was one.</summary>
    public (int Step, double Loss)? LastEvaluation { get; private set; }

    /// <summary>Writes the line of an optimizer step.</summary>
    public void WriteStep(int step, double loss, double learningRate, double gradNorm, double tokensPerSecond, long tokens)
        => Append(writer =>
        {
            writer.WriteNumber("step", step);
            writer.WriteNumber("loss", loss);
            writer.WriteNumber("learningRate", learningRate);
            writer.WriteNumber("gradNorm", gradNorm);
            writer.WriteNumber("tokensPerSecond", tokensPerSecond);
            writer.WriteNumber("tokens", tokens);
        });

    /// <summary>Writes the line of a validation.</summary>
    public void WriteEvaluation(int step, double loss, double perplexity)
    {
        Append(writer =>
        {
            writer.WriteNumber("step", step);
            writer.WriteNumber("evalLoss", loss);
            writer.WriteNumber("perplexity", perplexity);
        });
        LastEvaluation = (step, loss);
    }

    /// <summary>Copies the log as it stands.</summary>
    /// <param name="folder">Where to.</param>
    public void CopyTo(string folder) => File.Copy(_path, Path.Combine(folder, FileName), overwrite: true);

    private void Append(Action<Utf8JsonWriter> write)
    {
        using var line = new MemoryStream();
        using (var writer = new Utf8JsonWriter(line))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        File.AppendAllText(_path, Encoding.UTF8.GetString(line.ToArray()) + "\n");
    }
}
