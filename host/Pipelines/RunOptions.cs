namespace Alpaca.Host;

/// <summary>How a pipeline is planned or run.</summary>
public sealed record RunOptions
{
    /// <summary>The word in <see cref="Force"/> that stands for every stage.</summary>
    public const string All = "all";

    /// <summary>The last stage entry to run. The default is none: all of them.</summary>
    public string? Until { get; init; }

    /// <summary>Stage entries that run even when they are up to date, or <see cref="All"/>. The default is none.</summary>
    public IReadOnlyList<string> Force { get; init; } = [];

    /// <summary>What starts the run, kept in its record. The default is <c>manual</c>.</summary>
    public string Trigger { get; init; } = RunTriggers.Manual;

    /// <summary>Told when a stage starts, is skipped or ends, on the thread that runs it. The default is nobody.</summary>
    public Action<StageRecord>? StageChanged { get; init; }

    /// <summary>Called before the first stage, when nobody else runs the pipeline any more: the time to change its data. The default is nothing.</summary>
    public Action? Starting { get; init; }

    /// <summary>Called after success, while the pipeline still counts as running. The default is nothing.</summary>
    public Action? Succeeded { get; init; }

    /// <summary>Whether a run that is under way in another process is waited for. The default is <see langword="false"/>: it is an error.</summary>
    public bool WaitForOthers { get; init; }

    internal bool Forces(string stage) => Force.Any(f => f.Equals(All, StringComparison.OrdinalIgnoreCase) || f == stage);
}
