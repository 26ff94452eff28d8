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
        var service = WorkerService.RunAsync(settings, verbose: false, "http://127.0.0.1:0", stop.Token);
        var runs = new RunStore(new SqliteRunDatabase(bench.Folder.Combine("workspace", "runs.db")));

        await UntilAsync(() => runs.List().Any(r => r is { Trigger: "schedule", Outcome: RunOutcome.Succeeded }), service);
        bench.Folder.WriteWhole("drops/good.json", """[{"instruction": "a", "output": "b"}]""");

        // Whichever comes first trains on it: the drop's own run, or the schedule's next.
        await UntilAsync(() => Directory.GetFiles(bench.Folder.Combine("drops", "accepted")).Length == 1 && !File.Exists(bench.Folder.Combine("drops", ".new-samples")), service);

        await stop.CancelAsync();
        await service.WaitAsync(TimeSpan.FromMinutes(3));
        runs.List(1000).Should().OnlyContain(r => r.Outcome == RunOutcome.Succeeded || r.Outcome == RunOutcome.Cancelled);
    }

    [Fact]
    public async Task RunAsync_ConfigurationIsWrong_RefusesToStart()
    {
        using var bench = new CommandBench(""", "Schedule": { "Cron": "soon" }, "Drops": { "Folder": "drops" }""", stages: """ "acme-note": { "Copies": 0 } """);
        var settings = AlpacaSettings.Load(bench.Configuration, null, ["Isolation:Priority=high", "Logging:File:RetainedFiles=none"], null, new Hashtable());

        await FluentActions.Invoking(() => WorkerService.RunAsync(settings, verbose: false)).Should().ThrowAsync<AlpacaUsageException>()
            .WithMessage("*Pipelines:notes:Schedule:Cron is 'soon'*").WithMessage("*Pipelines:notes:Stages:acme-note:Copies*").WithMessage("*Pipelines:notes:Stages:acme-note:Text*").WithMessage("*Isolation:Priority is 'high'*").WithMessage("*Logging:File:RetainedFiles is 'none'*");
        Directory.Exists(bench.Folder.Combine("drops")).Should().BeFalse();
    }

    [Theory]
    [InlineData("runs.db")]
    [InlineData("scheduler.db")]
    public async Task RunAsync_DatabaseIsDamaged_RefusesToStartAndKeepsIt(string name)
    {
        using var bench = new CommandBench();
        var database = bench.Folder.Write($"workspace/{name}", "This is no database, and long enough to be read as one. ".PadRight(5000, '.'));
        var settings = AlpacaSettings.Load(bench.Configuration, null, ["Serving:Enabled=false"], null, new Hashtable());

        await FluentActions.Invoking(() => WorkerService.RunAsync(settings, verbose: false)).Should().ThrowAsync<AlpacaException>().WithMessage($"The database {database} is damaged (*`alpaca runs --start-fresh`*");

        File.ReadAllText(database).Should().StartWith("This is no database");
    }

    private static async Task UntilAsync(Func<bool> condition, Task service)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!condition())
        {
            if (service.IsCompleted) await service;
            await Task.Delay(50, limit.Token);
        }
    }
}
