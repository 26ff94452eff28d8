using Alpaca.Abstractions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;

namespace Alpaca.Host;

/// <summary>Runs a pipeline. Quartz gives a second run of the same pipeline to nobody while this one goes on, and gives this one to somebody again when its process dies.</summary>
[DisallowConcurrentExecution]
internal sealed class PipelineJob(ServiceRunner runner, NotificationObserver notifications, IHostApplicationLifetime lifetime, ILogger<PipelineJob> log) : IJob
{
    /// <inheritdoc />
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        var (pipeline, trigger) = (RunQueue.PipelineOf(context), RunQueue.TriggerOf(context));
        try
        {
            var run = await runner.RunAsync(pipeline, trigger, context.CancellationToken);
            if (run?.Outcome == RunOutcome.Failed) throw Failed(context, pipeline, run.Error!, run.IsTransient);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // It has checkpointed and waits for the next start (ScheduleUpdate).
        }
        catch (Exception e) when (e is AlpacaException or IOException or UnauthorizedAccessException)
        {
            log.RunNotStarted(pipeline, e.Message);
            notifications.RunNotStarted(pipeline, trigger, e.Message);
            throw Failed(context, pipeline, e.Message, TransientFailure.Is(e));
        }
    }

    /// <summary>What tells Quartz that the run failed, and whether it may be tried again.</summary>
    private JobExecutionException Failed(IJobExecutionContext context, string pipeline, string error, bool isTransient)
    {
        if (isTransient && context.RetryPolicy is { } retry && context.RetryAttempt < retry.MaxAttempts) log.RunIsRetried(pipeline, context.RetryAttempt + 1, retry.MaxAttempts);
        return new JobExecutionException(error) { UnscheduleFiringTrigger = !isTransient };
    }
}
