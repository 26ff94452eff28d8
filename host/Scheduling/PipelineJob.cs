using Quartz;

namespace Alpaca.Host;

/// <summary>The only Quartz job there is: runs the pipeline that its data names.</summary>
/// <remarks>What overlaps with a run is skipped by the dispatcher, which also knows the runs that drops start.</remarks>
internal sealed class PipelineJob(PipelineDispatcher dispatcher) : IJob
{
    public const string PipelineKey = "pipeline";

    /// <inheritdoc />
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        => await dispatcher.RunScheduledAsync(context.MergedJobDataMap.GetString(PipelineKey)!, cancellationToken);
}
