using System.Globalization;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary>One line for each stage of a run: what was done, how long it took, and what came of it.</summary>
internal sealed class StageLines(IAnsiConsole console)
{
    /// <summary>Writes the line when the stage has ended, and one before a stage that will take its time.</summary>
    public void Write(StageRecord stage)
    {
        if (Describe(stage) is { } line) console.WriteLine(line);
    }

    /// <summary>The line, or <see langword="null"/> for a change that needs none.</summary>
    internal static string? Describe(StageRecord stage) => stage.Outcome switch
    {
        StageOutcome.Running when stage.Reason == PipelinePlanner.UpToDate => null,
        StageOutcome.Running => $"{stage.Name}: runs ({stage.Reason})",
        StageOutcome.Skipped => $"{stage.Name}: skipped, up to date",
        StageOutcome.Succeeded => $"{stage.Name}: done in {Took(stage)}{Metrics(stage.Metrics)}",
        StageOutcome.Cancelled => $"{stage.Name}: cancelled after {Took(stage)}",
        StageOutcome.Failed => $"{stage.Name}: failed after {Took(stage)}",
        _ => null,
    };

    private static string Took(StageRecord stage) => Amounts.Duration((stage.FinishedAt ?? stage.StartedAt) - stage.StartedAt);

    private static string Metrics(IReadOnlyDictionary<string, double> metrics)
        => metrics.Count == 0 ? "" : $" ({string.Join(", ", metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Key} {m.Value:G5}")))})";
}
