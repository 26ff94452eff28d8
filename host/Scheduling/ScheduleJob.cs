using Microsoft.Extensions.Logging;
using Quartz;

namespace Alpaca.Host;

/// <summary>A scheduled time of a pipeline has come: decides whether it counts, and queues a run if so.</summary>
internal sealed class ScheduleJob(RunQueue queue, WatchedPipelines watched, ILogger<ScheduleJob> log) : IJob
{
    private const string Group = "schedules";

    /// <summary>The job of a pipeline's schedule.</summary>
    public static JobKey KeyOf(string pipeline) => new(pipeline, Group);

    /// <inheritdoc />
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        var pipeline = context.JobDetail.Key.Name;
        if (watched.WhyNotNow(pipeline) is { } reason)
        {
            log.ScheduleSkipped(pipeline, reason);
            return;
        }

        switch (watched.Policies[pipeline].Overlap)
        {
            case Overlap.Skip when await queue.IsBusyAsync(pipeline, cancellationToken):
                log.ScheduleSkipped(pipeline, "it is still running");
                return;
            case Overlap.Skip when watched.WhyNotNow(pipeline) is { } seen: // A run that has ended since it was asked above has seen the new samples.
                log.ScheduleSkipped(pipeline, seen);
                return;
            case Overlap.CancelPrevious:
                await queue.CancelAsync(pipeline, cancellationToken);
                break;
        }

        await queue.AddAsync(pipeline, RunTriggers.Schedule, cancellationToken);
    }
}
