using Quartz;

namespace Alpaca.Host;

/// <summary>The runs that wait. Everything that starts a pipeline under <c>serve</c> goes through here, and a pipeline's runs follow one another.</summary>
/// <remarks>A waiting run is a Quartz trigger of the pipeline's job: it outlives the service where the store does, waits for its execution group, and is tried again after a failure that may pass.</remarks>
internal sealed class RunQueue(ISchedulerFactory schedulers, WatchedPipelines watched)
{
    private const string Group = "runs";
    private const string TriggerKey = "trigger";

    /// <summary>The job that runs a pipeline.</summary>
    public static JobKey JobOf(string pipeline) => new(pipeline, Group);

    /// <summary>The pipeline that a job of <see cref="JobOf"/> runs.</summary>
    public static string PipelineOf(IJobExecutionContext context) => context.JobDetail.Key.Name;

    /// <summary>What started a run.</summary>
    public static string TriggerOf(IJobExecutionContext context) => context.MergedJobDataMap.GetString(TriggerKey) ?? RunTriggers.Manual;

    /// <summary>Lets a pipeline run as soon as it can.</summary>
    /// <param name="pipeline">Its name.</param>
    /// <param name="trigger">What starts it (<see cref="RunTriggers"/>).</param>
    /// <param name="cancellationToken">Ends the asking early.</param>
    /// <returns>Whether a run was added; otherwise one that the same thing started waits already, and will see everything that this one would have.</returns>
    public async Task<bool> AddAsync(string pipeline, string trigger, CancellationToken cancellationToken = default)
    {
        var (scheduler, policy) = (await schedulers.GetScheduler(cancellationToken), watched.Policies[pipeline]);
        var run = TriggerBuilder.Create<PipelineJob>()
            .ForJob(JobOf(pipeline))
            .WithIdentity($"{pipeline}/{trigger}", Group)
            .UsingJobData(TriggerKey, trigger)
            .WithRetryPolicy(policy.Retry)
            .WithExecutionGroup(policy.ExecutionGroup)
            .StartNow()
            .Build();
        var result = await scheduler.ScheduleTrigger(run, TriggerConflict.Keep, cancellationToken);
        return result.Outcome != ScheduleOutcome.Kept;
    }

    /// <summary>Whether a pipeline is running or waits to run, here or elsewhere in a cluster.</summary>
    public async Task<bool> IsBusyAsync(string pipeline, CancellationToken cancellationToken = default)
    {
        var (scheduler, job) = (await schedulers.GetScheduler(cancellationToken), JobOf(pipeline));

        // Between two questions one that waits may begin, and one that runs may fail and wait for its retry.
        return await WaitsAsync() || await RunsAsync() || await WaitsAsync();

        async Task<bool> WaitsAsync() => (await scheduler.QueryTriggers(new TriggerQuery { Job = job, Take = 1 }, cancellationToken)).Items.Count > 0;

        async Task<bool> RunsAsync() => (await scheduler.QueryFireInstances(new FireInstanceQuery { Job = job, State = null, Take = 1 }, cancellationToken)).Items.Count > 0;
    }

    /// <summary>Asks a pipeline's run to stop, wherever it is; its training is checkpointed.</summary>
    public async Task CancelAsync(string pipeline, CancellationToken cancellationToken = default)
    {
        var scheduler = await schedulers.GetScheduler(cancellationToken);
        await scheduler.Interrupt(JobOf(pipeline), cancellationToken);
    }
}
