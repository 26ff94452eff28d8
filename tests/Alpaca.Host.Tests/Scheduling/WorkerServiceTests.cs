using System.Collections;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>The service as a whole, in this process.</summary>
public sealed class WorkerServiceTests
{
    [Fact]
    public async Task RunAsync_ScheduleAndDrop_RunThePipelineAndStopInOrder()
    {
        using var bench = new CommandBench(""", "Schedule": { "Cron": "0/1 * * * * ?" }, "Drops": { "Folder": "drops", "QuietSeconds": 0.2 }""");
        using var stop = new CancellationTokenSource();
        var settings = AlpacaSettings.Load(bench.Configuration, null, [], null, new Hashtable());
        var service = WorkerService.RunAsync(settings, verbose: false, stop.Token);
        var runs = new RunStore(new RunDatabase(bench.Folder.Combine("workspace", "runs.db")));

        await UntilAsync(() => runs.List().Any(r => r is { Trigger: "schedule", Outcome: RunOutcome.Succeeded }), service);
        bench.Folder.Write("drops/good.json", """[{"instruction": "a", "output": "b"}]""");
        await UntilAsync(() => runs.List(1000).Any(r => r is { Trigger: "drop", Outcome: RunOutcome.Succeeded }), service);
        Directory.GetFiles(bench.Folder.Combine("drops", "accepted")).Should().HaveCount(1);

        await stop.CancelAsync();
        await service.WaitAsync(TimeSpan.FromSeconds(30));
        runs.List(1000).Should().OnlyContain(r => r.Outcome == RunOutcome.Succeeded || r.Outcome == RunOutcome.Cancelled);
    }

    [Fact]
    public async Task RunAsync_ConfigurationIsWrong_RefusesToStart()
    {
        using var bench = new CommandBench(""", "Schedule": { "Cron": "soon" }, "Drops": { "Folder": "drops" }""", stages: """ "acme-note": { "Copies": 0 } """);
        var settings = AlpacaSettings.Load(bench.Configuration, null, [], null, new Hashtable());

        await FluentActions.Invoking(() => WorkerService.RunAsync(settings, verbose: false)).Should().ThrowAsync<AlpacaUsageException>()
            .WithMessage("*Pipelines:notes:Schedule:Cron is 'soon'*").WithMessage("*Pipelines:notes:Stages:acme-note:Copies*").WithMessage("*Pipelines:notes:Stages:acme-note:Text*");
        Directory.Exists(bench.Folder.Combine("drops")).Should().BeFalse();
    }

    private static async Task UntilAsync(Func<bool> condition, Task service)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            if (service.IsCompleted) await service;
            await Task.Delay(50, limit.Token);
        }
    }
}
