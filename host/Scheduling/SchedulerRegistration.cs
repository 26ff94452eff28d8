using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Quartz;

namespace Alpaca.Host;

/// <summary>How the service gets its scheduler.</summary>
internal static class SchedulerRegistration
{
    /// <summary>The group of jobs that only decide and queue.</summary>
    public const string ControlGroup = "control";

    // Room for runs and, beside them, for the jobs that only queue.
    private const int ControlThreads = 4;

    // How soon a run begins that waited for its group, or for another worker: nobody tells the scheduler that these are free. Quartz's own 30 s are long for somebody who has asked for the run.
    private static readonly TimeSpan IdleWaitTime = TimeSpan.FromSeconds(2);

    /// <summary>Adds the scheduler, its jobs and the queue of runs.</summary>
    /// <param name="services">The service's container.</param>
    /// <param name="settings">The configuration.</param>
    /// <param name="watched">What there is to run, and when.</param>
    public static void AddAlpacaScheduler(this IServiceCollection services, AlpacaSettings settings, WatchedPipelines watched)
    {
        services.AddSingleton(watched);
        services.AddSingleton<DropScanners>();
        services.AddSingleton<ServiceRunner>();
        services.AddSingleton<RunQueue>();
        services.AddHostedService<ScheduleUpdate>(); // before the scheduler starts
        services.AddQuartz(quartz => Configure(quartz, settings, watched));
        services.AddQuartzHostedService(hosted => hosted.WaitForJobsToComplete = true);
    }

    /// <summary>The file of <see cref="SchedulerStore.Sqlite"/>.</summary>
    public static string FileOf(AlpacaSettings settings) => Path.Combine(settings.WorkspaceFolder, "scheduler.db");

    private static void Configure(IQuartzBuilder quartz, AlpacaSettings settings, WatchedPipelines watched)
    {
        var scheduler = watched.Scheduler;
        quartz.UseDefaultThreadPool(scheduler.MaxConcurrentRuns + ControlThreads + watched.Policies.Values.Select(policy => policy.ExecutionGroup).OfType<string>().Distinct().Count());
        quartz.UseExecutionLimits(limits => limits.ForDefaultGroup(scheduler.MaxConcurrentRuns).ForOtherGroups(1).Unlimited(ControlGroup));
        if (!scheduler.RunsGpu) quartz.RefuseExecutionGroups(RunPolicy.GpuGroup);
        if (scheduler.Store == SchedulerStore.Memory)
        {
            quartz.UseInMemoryStore(options => options.MisfireThreshold = scheduler.MisfireThreshold);
        }
        else
        {
            quartz.UsePersistentStore(store =>
            {
                if (scheduler.Connection is { } connection)
                {
                    store.UsePostgres(NpgsqlFactory.Instance, connection.ConnectionString);
                    store.UseClustering();
                }
                else
                {
                    store.UseSqlite($"Data Source={FileOf(settings)};Pooling=False;Default Timeout=30");
                }

                store.ConfigureStore(options => (options.StoreJobDataAsStrings, options.MisfireThreshold) = (true, scheduler.MisfireThreshold));
                store.UseExecutionHistory(); // says how fresh a pipeline is, over restarts
                store.ProvisionSchema();
            });
        }

        quartz.ConfigureScheduler(options => options.IdleWaitTime = IdleWaitTime);

        // What is scheduled stays scheduled over a restart: a time that passed meanwhile is still known.
        quartz.Services.Configure<QuartzOptions>(options => options.Scheduling.ScheduleTriggerRelativeToReplacedTrigger = true);

        foreach (var pipeline in settings.Pipelines)
            quartz.AddJob<PipelineJob>(job => job.WithIdentity(RunQueue.JobOf(pipeline.Name)).StoreDurably().RequestRecovery());
        foreach (var schedule in watched.Schedules.Where(schedule => schedule.Cron is not null)) Add(quartz, schedule);
    }

    private static void Add(IQuartzBuilder quartz, PipelineSchedule schedule)
    {
        var job = ScheduleJob.KeyOf(schedule.Pipeline);
        quartz.AddJob<ScheduleJob>(configure => configure.WithIdentity(job).StoreDurably());
        quartz.AddTrigger<ScheduleJob>(trigger => trigger
            .ForJob(job).WithIdentity(job.Name, job.Group).WithExecutionGroup(ControlGroup)
            .WithCronSchedule(schedule.Cron!, cron => cron
                .InTimeZone(schedule.TimeZone)
                .WithMisfireInstruction(schedule.Misfire == MisfirePolicy.RunOnce ? CronTriggerMisfireInstruction.FireAndProceed : CronTriggerMisfireInstruction.DoNothing)));
    }
}
