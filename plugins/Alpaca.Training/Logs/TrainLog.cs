using System.Text;
using System.Text.Json;

namespace Alpaca.Training;

/// <summary>A logged optimizer step.</summary>
/// <param name="Step">Counted from 1.</param>
/// <param name="Loss">Mean cross entropy of the step's supervised tokens.</param>
/// <param name="LearningRate">The rate of the update.</param>
/// <param name="GradNorm">The gradient's 2-norm before clipping.</param>
/// <param name="TokensPerSecond">The step's speed.</param>
/// <param name="Tokens">How many tokens the step trained on.</param>
internal sealed record LoggedStep(int Step, double Loss, double LearningRate, double GradNorm, double TokensPerSecond, long Tokens);

/// <summary>A logged validation.</summary>
/// <param name="Step">The optimizer step after which it was taken; 0 is before training.</param>
/// <param name="Loss">Mean cross entropy of the validation data's supervised tokens.</param>
/// <param name="Accuracy">The part of these tokens that had the highest score, 0 to 1.</param>
internal sealed record LoggedValidation(int Step, double Loss, double Accuracy)
{
    /// <summary>The exponential of <see cref="Loss"/>, limited to what JSON can write.</summary>
    public double Perplexity => Math.Min(Math.Exp(Loss), double.MaxValue);
}

/// <summary><c>train_log.jsonl</c>: one JSON object a line, written through as it happens; and the same figures as a TensorBoard event file beside it.</summary>
/// <remarks>
/// <c>{"step","loss","learningRate","gradNorm","tokensPerSecond","tokens"}</c> after an optimizer step (<c>tokens</c> is how many that step trained on) and
/// <c>{"step","evalLoss","perplexity","accuracy"}</c> after a validation. Steps count from 1; step 0 is the validation before training. Numbers have as many digits as it takes to read the
/// same value back.
/// </remarks>
internal sealed class TrainLog : IDisposable
{
    /// <summary>The file's name.</summary>
    public const string FileName = "train_log.jsonl";

    private readonly string _path;
    private readonly EventFile _events;
    private readonly List<LoggedStep> _steps = [];
    private readonly List<LoggedValidation> _validations = [];

    /// <summary>Starts the log.</summary>
    /// <param name="folder">The folder of the file.</param>
    /// <param name="time">The clock of the events; those of an earlier log are written again, at the present time.</param>
    /// <param name="earlier">A log to go on from, or <see langword="null"/> to begin.</param>
    public TrainLog(string folder, TimeProvider time, string? earlier = null)
    {
        _path = Path.Combine(folder, FileName);
        if (earlier is null) File.WriteAllText(_path, "");
        else File.Copy(earlier, _path, overwrite: true);
        _events = new EventFile(folder, time);
        foreach (var line in File.ReadLines(_path))
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.TryGetProperty("evalLoss", out var loss)) Keep(new LoggedValidation(root.GetProperty("step").GetInt32(), loss.GetDouble(), Number("accuracy")));
            else Keep(new LoggedStep(root.GetProperty("step").GetInt32(), Number("loss"), Number("learningRate"), Number("gradNorm"), Number("tokensPerSecond"), root.GetProperty("tokens").GetInt64()));

            double Number(string name) => root.GetProperty(name).GetDouble();
        }
    }

    /// <summary>The logged optimizer steps.</summary>
    public IReadOnlyList<LoggedStep> Steps => _steps;

    /// <summary>The validations.</summary>
    public IReadOnlyList<LoggedValidation> Validations => _validations;

    /// <summary>Writes the line of an optimizer step.</summary>
    public void Write(LoggedStep entry)
    {
        Append(writer =>
        {
            writer.WriteNumber("step", entry.Step);
            writer.WriteNumber("loss", entry.Loss);
            writer.WriteNumber("learningRate", entry.LearningRate);
            writer.WriteNumber("gradNorm", entry.GradNorm);
            writer.WriteNumber("tokensPerSecond", entry.TokensPerSecond);
            writer.WriteNumber("tokens", entry.Tokens);
        });
        Keep(entry);
    }

    /// <summary>Writes the line of a validation.</summary>
    public void Write(LoggedValidation entry)
    {
        Append(writer =>
        {
            writer.WriteNumber("step", entry.Step);
            writer.WriteNumber("evalLoss", entry.Loss);
            writer.WriteNumber("perplexity", entry.Perplexity);
            writer.WriteNumber("accuracy", entry.Accuracy);
        });
        Keep(entry);
    }

    /// <summary>Copies the log as it stands.</summary>
    /// <param name="folder">Where to.</param>
    public void CopyTo(string folder) => File.Copy(_path, Path.Combine(folder, FileName), overwrite: true);

    /// <inheritdoc />
    public void Dispose() => _events.Dispose();

    // The tags that Hugging Face's trainer writes, where it has the figure.
    private void Keep(LoggedStep entry)
    {
        _steps.Add(entry);
        _events.Write(entry.Step,
            ("train/loss", entry.Loss), ("train/learning_rate", entry.LearningRate), ("train/grad_norm", entry.GradNorm), ("train/tokens_per_second", entry.TokensPerSecond));
    }

    private void Keep(LoggedValidation entry)
    {
        _validations.Add(entry);
        _events.Write(entry.Step, ("eval/loss", entry.Loss), ("eval/perplexity", entry.Perplexity), ("eval/accuracy", entry.Accuracy));
    }

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
