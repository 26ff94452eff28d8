using Quartz;

namespace Alpaca.Host;

/// <summary>What becomes of a scheduled time while the pipeline is running or waits to run.</summary>
internal enum Overlap
{
    /// <summary>It is left out.</summary>
    Skip,

    /// <summary>The pipeline runs once more afterwards, however many times passed.</summary>
    BufferOne,

    /// <summary>The run is cancelled, and the pipeline runs anew. What the cancelled one finished is not done again.</summary>
    CancelPrevious,
}

/// <summary>How a pipeline's runs are started: its keys <c>Overlap</c>, <c>Retry</c> and <c>ExecutionGroup</c>.</summary>
/// <param name="Overlap">What becomes of overlapping scheduled times. The default is <see cref="Overlap.Skip"/>.</param>
/// <param name="Retry">When a run is tried again whose failure may pass (network, disk, a lock). The default is 3 times, after about 30 s, 2 min and 8 min.</param>
/// <param name="ExecutionGroup">Runs of a named group go on one at a time. The default is <c>gpu</c> where a stage's <c>Device</c> is not <c>cpu</c>, else none.</param>
internal sealed record RunPolicy(Overlap Overlap, RetryPolicy Retry, string? ExecutionGroup)
{
    /// <summary>The group of runs that need a GPU.</summary>
    public const string GpuGroup = "gpu";

    private const int DefaultRetries = 3;
    private const double DefaultFirstDelay = 30, DefaultMaxDelay = 1800, DefaultFactor = 4, DefaultJitter = 0.2;

    /// <summary>Reads a pipeline's keys.</summary>
    public static RunPolicy Read(AlpacaSettings settings, PipelineDefinition pipeline, ICollection<string> errors)
    {
        var section = new SectionReader(settings.Configuration.GetSection(pipeline.Key), errors);
        var overlap = section.Choice("Overlap", Overlap.Skip);
        var group = section.Text("ExecutionGroup") ?? (pipeline.Stages.Any(NeedsGpu) ? GpuGroup : null);
        return new RunPolicy(overlap, ReadRetry(section.Section("Retry"), errors), group);
    }

    private static bool NeedsGpu(StageDefinition stage)
        => stage.Options.TryGetValue("Device", out var devices) && devices.Any(device => !device.Equals("cpu", StringComparison.OrdinalIgnoreCase));

    private static RetryPolicy ReadRetry(SectionReader section, ICollection<string> errors)
    {
        var before = errors.Count;
        var retries = (int)section.Number("MaxRetries", DefaultRetries, 0, 100);
        var first = section.Number("FirstDelaySeconds", DefaultFirstDelay, 0, 86400);
        var most = section.Number("MaxDelaySeconds", Math.Max(DefaultMaxDelay, first), 0, 7 * 86400);
        var factor = section.Number("Factor", DefaultFactor, 1, 100);
        var jitter = section.Number("Jitter", DefaultJitter, 0, 1);
        if (most < first) section.Report("MaxDelaySeconds", $"is {most:0.###}, less than FirstDelaySeconds, which is {first:0.###}; raise it.");
        return retries == 0 || errors.Count > before ? RetryPolicy.None : RetryPolicy.Exponential(retries, TimeSpan.FromSeconds(first), factor, TimeSpan.FromSeconds(most), jitter);
    }
}
