using System.Diagnostics;
using System.Globalization;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Training;

/// <summary><c>report.md</c>: what was trained on what, with which options, and what came of it.</summary>
internal static class RunReport
{
    /// <summary>The file's name.</summary>
    public const string FileName = "report.md";

    private static readonly string[] AlwaysShown =
    [
        nameof(TrainingRequest.ModelNameOrPath), nameof(TrainingRequest.LearningRate), nameof(TrainingRequest.BatchSize), nameof(TrainingRequest.GradientAccumulationSteps),
        nameof(TrainingRequest.LoraRank), nameof(TrainingRequest.LoraAlpha), nameof(TrainingRequest.LoraTrainable), nameof(TrainingRequest.Precision), nameof(TrainingRequest.Device), nameof(TrainingRequest.Seed),
    ];

    /// <summary>Writes the report and the picture that it shows.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="request">The options.</param>
    /// <param name="data">What was trained on.</param>
    /// <param name="model">What was trained.</param>
    /// <param name="run">The run, at its end.</param>
    public static void Write(string folder, TrainingRequest request, TrainingData data, TrainedModel model, TrainingRun run)
    {
        LossChart.Write(Path.Combine(folder, LossChart.FileName), run.Log);
        var text = new StringBuilder();
        Line($"# Training report");
        Line($"");
        Line($"{run.Progress.Step:N0} of {run.TotalSteps:N0} optimizer steps{(run.StoppedEarly ? $", stopped early: {run.Progress.Best.WithoutImprovement} validations in a row were no better" : "")}. The adapter is that of step {run.OutputStep:N0}.");
        Line($"");
        Line($"![loss and learning rate]({LossChart.FileName})");
        Line($"");
        WriteFigures();
        Line($"## Data");
        Line($"");
        foreach (var finding in data.Findings) Line($"- {finding}");
        Line($"- {data.Training.Count:N0} rows to train on, {data.Validation.Count:N0} to validate on");
        Line($"");
        Line($"## Options");
        Line($"");
        Line($"Options that differ from their defaults, and the ones most asked for.");
        Line($"");
        Line($"| option | value |");
        Line($"|---|---|");
        var defaults = RunFingerprint.OptionsOf((TrainingRequest)Activator.CreateInstance(request.GetType())!);
        foreach (var (name, value) in RunFingerprint.OptionsOf(request).Where(o => AlwaysShown.Contains(o.Key) || defaults[o.Key] != o.Value))
            Line($"| {name} | {value.Replace("|", "\\|", StringComparison.Ordinal)} |");
        Line($"");
        WriteAdvice();
        File.WriteAllText(Path.Combine(folder, FileName), text.ToString());

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        void WriteFigures()
        {
            var (steps, validations, progress) = (run.Log.Steps, run.Log.Validations, run.Progress);
            var lowest = steps.MinBy(s => s.Loss)!;
            Line($"| figure | value |");
            Line($"|---|---|");
            Line($"| training loss, first | {steps[0].Loss:F4} (step {steps[0].Step}) |");
            Line($"| training loss, last logged | {steps[^1].Loss:F4} (step {steps[^1].Step}) |");
            Line($"| training loss, lowest logged | {lowest.Loss:F4} (step {lowest.Step}) |");
            Line($"| training loss, mean | {progress.LossSum / progress.Step:F4} |");
            if (validations.Count > 0)
            {
                WriteValidation("first", validations[0]);
                WriteValidation("last", validations[^1]);
                WriteValidation("best", validations.MinBy(v => v.Loss)!);
            }

            Line($"| trained parameters | {model.Parameters.Count:N0} of {model.ParameterCount:N0} ({100.0 * model.Parameters.Count / model.ParameterCount:F3} %) |");
            Line($"| tokens | {progress.Tokens:N0} |");
            Line($"| time in steps | {TimeSpan.FromSeconds(Math.Round(progress.Seconds)):c} |");
            Line($"| tokens a second | {(progress.Seconds > 0 ? progress.Tokens / progress.Seconds : 0):N0} |");
            using var process = Process.GetCurrentProcess();
            Line($"| peak memory of the process | {process.PeakWorkingSet64 / 1e9:F2} GB |");
            Line($"| checkpoints at the end | {(run.Checkpoints.Steps() is { Count: > 0 } kept ? $"after steps {string.Join(", ", kept.Order())}; deleted once the run is published" : "none")} |");
            Line($"");
        }

        void WriteValidation(string which, LoggedValidation validation)
            => Line($"| validation, {which} | loss {validation.Loss:F4}, perplexity {validation.Perplexity:G5}, accuracy {100 * validation.Accuracy:F1} % (step {validation.Step}) |");

        void WriteAdvice()
        {
            Line($"## What to do next");
            Line($"");
            var validations = run.Log.Validations;
            if (validations.Count == 0) Line($"- There was no validation data, so nothing here says how the model does on text that it was not trained on: give a ValidationFile.");
            else if (validations.MinBy(v => v.Loss)!.Step is var best && best < validations[^1].Step)
                Line($"- The validation loss was lowest at step {best} and rose afterwards{(run.OutputStep == best ? "; the adapter is that of the lowest" : ": train fewer steps, or set LoadBestModelAtEnd or EarlyStoppingPatience")}.");
            else Line($"- The validation loss was lowest at the end: more steps may lower it further.");
            Line($"- Merge the adapter into its base: `alpaca stage merge --base-model {request.ModelNameOrPath} --lora-model ADAPTER --output-dir MERGED`.");
            Line($"- The same curves with TensorBoard: `tensorboard --logdir ADAPTER`; all figures are in `{TrainLog.FileName}`.");
        }
    }
}
