using Microsoft.Extensions.Logging;

namespace Alpaca.Abstractions;

/// <summary>What the host gives a stage for one execution.</summary>
public sealed class StageContext
{
    /// <summary>An empty folder for the stage's output: temporary until the stage succeeds, then published as a whole by a rename.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>
    /// A folder that outlives a failed, cancelled or killed attempt, for what a later attempt with the same request goes on from (partial downloads, training
    /// checkpoints). The host deletes it after success. It exists.
    /// </summary>
    public required string ResumeFolder { get; init; }

    /// <summary>
    /// A folder for what can be made again from its inputs, kept from run to run and shared by all stages, each in a folder of its own; it need not exist. The default is
    /// <see langword="null"/>: nothing is kept.
    /// </summary>
    public string? CacheFolder { get; init; }

    /// <summary>Where to report progress.</summary>
    public required IStageProgress Progress { get; init; }

    /// <summary>The stage's log.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>The inference backends of the active plugins, by name, compared without case; owned by the host. The default is none.</summary>
    public IReadOnlyDictionary<string, IInferenceBackend> Backends { get; init; } = new Dictionary<string, IInferenceBackend>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The clock. The default is <see cref="TimeProvider.System"/>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
