using System.Collections;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Quartz;

namespace Alpaca.Host.Tests;

/// <summary>The queue over a scheduler in memory, to which something happens between two of its answers.</summary>
internal sealed class QueueBench : IAsyncDisposable
{
    public const string Pipeline = "notes";

    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services;
    private readonly IScheduler _scheduler;
    private readonly Gate _gate;
    private int _triggers;

    private QueueBench(ServiceProvider services, IScheduler scheduler)
    {
        (_services, _scheduler, _gate) = (services, scheduler, services.GetRequiredService<Gate>());
        var interrupted = DispatchProxy.Create<IScheduler, Interrupted>();
        ((Interrupted)(object)interrupted).Bench = this;
        var factory = DispatchProxy.Create<ISchedulerFactory, Factory>();
        ((Factory)(object)factory).Scheduler = interrupted;
        var settings = AlpacaSettings.Load(_folder.Write("appsettings.json", $$"""{ "Pipelines": { "{{Pipeline}}": { "Stages": { "acme-note": {} } } } }"""), null, [], null, new Hashtable());
        Queue = new RunQueue(factory, new WatchedPipelines(settings, TimeProvider.System));
    }

    public RunQueue Queue { get; }

    /// <summary>Happens once, when the queue has its first answer.</summary>
    public Func<Task>? AfterFirstQuery { get; set; }

    public static async Task<QueueBench> StartAsync()
    {
        var services = new ServiceCollection().AddLogging().AddSingleton<Gate>().AddQuartz(quartz =>
        {
            quartz.UseInMemoryStore();
            quartz.AddJob<GatedJob>(job => job.WithIdentity(RunQueue.JobOf(Pipeline)).StoreDurably());
        }).BuildServiceProvider();
        return new QueueBench(services, await services.GetRequiredService<ISchedulerFactory>().GetScheduler());
    }

    /// <summary>Lets a run wait; none begins before <see cref="BeginAsync"/>.</summary>
    public async Task AddWaitingAsync()
    {
        await _scheduler.Standby();
        await _scheduler.ScheduleTrigger(TriggerBuilder.Create<GatedJob>().ForJob(RunQueue.JobOf(Pipeline)).WithIdentity($"{++_triggers}").StartNow().Build(), TriggerConflict.Keep);
    }

    public async Task BeginAsync()
    {
        await _scheduler.Start();
        await _gate.Begun.Task.WaitAsync(TimeSpan.FromMinutes(2));
    }

    public async Task EndAsync()
    {
        await _scheduler.Standby();
        _gate.Open.SetResult();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while ((await _scheduler.QueryFireInstances(new FireInstanceQuery { State = null, Take = 1 })).Items.Count > 0) await Task.Delay(10, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _gate.Open.TrySetResult();
        await _scheduler.Shutdown(waitForJobsToComplete: true);
        await _services.DisposeAsync();
        _folder.Dispose();
    }

    internal sealed class Gate
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    internal sealed class GatedJob(Gate gate) : IJob
    {
        public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            gate.Begun.TrySetResult();
            await gate.Open.Task;
        }
    }

#pragma warning disable CA1852 // What DispatchProxy makes derives from these.
    internal class Factory : DispatchProxy
    {
        public IScheduler Scheduler { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => new ValueTask<IScheduler>(Scheduler);
    }

    internal class Interrupted : DispatchProxy
    {
        public QueueBench Bench { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var answer = targetMethod!.Invoke(Bench._scheduler, args); // which the store in memory gives at once
            var happens = Bench.AfterFirstQuery;
            Bench.AfterFirstQuery = null;
            happens?.Invoke().GetAwaiter().GetResult();
            return answer;
        }
    }
#pragma warning restore CA1852
}
