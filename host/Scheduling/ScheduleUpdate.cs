using Microsoft.Extensions.Hosting;
using Quartz;

namespace Alpaca.Host;

/// <summary>
/// Brings the scheduler's store in line with the configuration before anything is fired: what is no longer configured goes, and what runs at start-up is queued. When the service stops, the runs
/// that this cuts short are queued for the next start, or for another worker.
/// </summary>
internal sealed class ScheduleUpdate(ISchedulerFactory factory, RunQueue queue, ServiceRunner runner, WatchedPipelines watched) : IHostedLifecycleService
{
    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var scheduler = await factory.GetScheduler(cancellationToken);
        var known = watched.Policies.Keys.Select(RunQueue.JobOf).Concat(watched.Schedules.Where(s => s.Cron is not null).Select(s => ScheduleJob.KeyOf(s.Pipeline))).ToHashSet();
        var stored = await scheduler.GetJobKeys(GroupMatcher<JobKey>.AnyGroup(), cancellationToken);
        await scheduler.DeleteJobs([.. stored.Where(job => !known.Contains(job))], cancellationToken);
        foreach (var schedule in watched.Schedules.Where(schedule => schedule.RunAtStartup)) await queue.AddAsync(schedule.Pipeline, RunTriggers.Startup, cancellationToken);
    }

    /// <inheritdoc />
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // The store is still there, but nothing that is queued now starts here.
        var scheduler = await factory.GetScheduler(cancellationToken);
        await scheduler.Standby(cancellationToken);
        foreach (var (pipeline, trigger) in runner.Unfinished) await queue.AddAsync(pipeline, trigger, cancellationToken);
    }

    /// <inheritdoc />
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
