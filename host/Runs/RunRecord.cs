using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>How a run ended, or that it has not.</summary>
public enum RunOutcome
{
    /// <summary>Still running.</summary>
    Running,

    /// <summary>Every stage that was asked for is up to date.</summary>
    Succeeded,

    /// <summary>A stage failed.</summary>
    Failed,

    /// <summary>Cancelled by the user or by a stopping service.</summary>
    Cancelled,

    /// <summary>Its process died. Running the pipeline again goes on from there.</summary>
    Interrupted,
}

/// <summary>How a stage ended, or that it has not.</summary>
public enum StageOutcome
{
    /// <summary>Still running.</summary>
    Running,

    /// <summary>It ran and its artifact is published.</summary>
    Succeeded,

    /// <summary>Its artifact was up to date.</summary>
    Skipped,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>Cancelled by the user or by a stopping service.</summary>
    Cancelled,

    /// <summary>Its process died.</summary>
    Interrupted,
}

/// <summary>One run of a pipeline.</summary>
/// <param name="Id">Its number, counting up in a workspace.</param>
/// <param name="Pipeline">The pipeline's name.</param>
/// <param name="Trigger">What started it, for example <c>manual</c>, <c>schedule</c> or <c>drop</c>.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="StartedAt">When it started (UTC).</param>
/// <param name="FinishedAt">When it ended; <see langword="null"/> while it runs, and for an interrupted one.</param>
/// <param name="Error">Why it failed, one sentence; otherwise <see langword="null"/>.</param>
/// <param name="Stages">Its stages as far as they were reached, in order.</param>
public sealed record RunRecord(
    long Id, string Pipeline, string Trigger, RunOutcome Outcome, DateTimeOffset StartedAt, DateTimeOffset? FinishedAt, string? Error, IReadOnlyList<StageRecord> Stages)
{
    /// <summary>Whether it failed for a reason that may pass. Not kept: <see langword="false"/> in a record that was read from the history.</summary>
    [JsonIgnore]
    public bool IsTransient { get; init; }

    /// <summary>The machine that ran it; <see langword="null"/> in records of before machines were noted.</summary>
    public string? Machine { get; init; }

    /// <summary>How what it made was judged; <see langword="null"/> where it did not come to that, or the pipeline has no section <c>Promotion</c>.</summary>
    public PromotionVerdict? Verdict { get; init; }
}

/// <summary>One stage of a run.</summary>
/// <param name="Name">The stage entry's name in its pipeline.</param>
/// <param name="Uses">The plugin stage.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why it ran or was skipped: <c>up to date</c>, <c>option LoraRank changed from 8 to 16</c>.</param>
/// <param name="StartedAt">When it started (UTC).</param>
/// <param name="FinishedAt">When it ended; <see langword="null"/> while it runs, and for an interrupted one.</param>
/// <param name="Metrics">The artifact's metrics; empty unless it succeeded or was skipped.</param>
/// <param name="Error">Why it failed, one sentence; otherwise <see langword="null"/>.</param>
/// <param name="ArtifactKind">The kind of artifact it makes.</param>
/// <param name="ArtifactFolder">The artifact's folder; <see langword="null"/> unless it succeeded or was skipped.</param>
public sealed record StageRecord(
    string Name,
    string Uses,
    StageOutcome Outcome,
    string Reason,
    DateTimeOffset StartedAt,
    DateTimeOffset? FinishedAt,
    IReadOnlyDictionary<string, double> Metrics,
    string? Error,
    string ArtifactKind,
    string? ArtifactFolder)
{
    /// <summary>Whether its artifact was up to date, so that it did not run.</summary>
    public bool Skipped => Outcome == StageOutcome.Skipped;
}
