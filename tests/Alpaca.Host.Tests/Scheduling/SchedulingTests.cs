using System.Collections;
using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>Schedules, overlaps, retries and restarts, through the whole service.</summary>
public sealed class SchedulingTests
{
    private const string EverySecond = """, "Schedule": { "Cron": "0/1 * * * * ?" }""";
    private const string NeverSoon = """, "Schedule": { "Cron": "0 0 0 1 1 ? 2099" }""";
    private const string Waiting = """ "acme-note": { "Text": "Hello", "Mishap": "wait", "Appendix": "appsettings.json" } """;
    private const string Hanging = """ "acme-note": { "Text": "Hello", "Mishap": "hang" } """;

    [Fact]
    public async Task Schedule_OverlapSkip_RunsNothingBesideOrAfterTheLongRunForTheTimesItCovered()
    {
        await using var bench = new ServiceBench(EverySecond, Hanging);
        bench.Start();
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Running);
        await Task.Delay(2500);

        bench.History.Should().ContainSingle();
    }

    [Fact]
    public async Task Schedule_OverlapBufferOne_RunsOnceMoreAfterwards()
    {
        await using var bench = new ServiceBench(EverySecond + """, "Overlap": "bufferOne" """, """ "acme-note": { "Text": "Hello", "Mishap": "locked" }, "wait": { "Uses": "acme-note", "Text": "x", "Mishap": "hang" } """);
        bench.Start("Pipelines:notes:Retry:MaxRetries=0");
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Failed);
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Running);
        await Task.Delay(2500);

        bench.History.Should().HaveCount(2, "the second one hangs, and one more waits");
    }

    [Fact]
    public async Task Schedule_OverlapCancelPrevious_CancelsAndRunsAnew()
    {
        await using var bench = new ServiceBench(EverySecond + """, "Overlap": "cancelPrevious" """, Hanging);
        bench.Start();
        await bench.UntilAsync(() => Directory.Exists(bench.Folder.Combine("workspace")) && bench.History.Count(run => run.Outcome == RunOutcome.Cancelled) >= 2);

        bench.History.Count(run => run.Outcome == RunOutcome.Running).Should().BeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task Schedule_RunAtStartup_RunsAtEveryStartWithoutACron()
    {
        await using var bench = new ServiceBench(""", "Schedule": { "RunAtStartup": true }""");
        bench.Start();
        await bench.UntilRunAsync(run => run is { Trigger: "startup", Outcome: RunOutcome.Succeeded });
        await bench.StopAsync();
        bench.Start();

        await bench.UntilAsync(() => bench.History.Count(run => run is { Trigger: "startup", Outcome: RunOutcome.Succeeded }) == 2);
    }

    [Fact]
    public async Task Run_FailureThatMayPass_IsTriedAgainAndGoesOn()
    {
        await using var bench = new ServiceBench(""", "Schedule": { "RunAtStartup": true }, "Retry": { "FirstDelaySeconds": 0.1 }""", """ "acme-note": { "Text": "Hello", "Mishap": "locked" } """);
        bench.Start();
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Succeeded);

        bench.History.Select(run => run.Outcome).Should().Equal(RunOutcome.Failed, RunOutcome.Succeeded);
        bench.History[0].Error.Should().Contain("The inkwell is in use");
    }

    [Fact]
    public async Task Run_FailureThatDoesNotPass_IsNotTriedAgain()
    {
        await using var bench = new ServiceBench(""", "Schedule": { "RunAtStartup": true }, "Retry": { "FirstDelaySeconds": 0.1 }""", """ "acme-note": { "Text": "Hello", "Mishap": "once" } """);
        bench.Start();
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Failed);
        await ServiceBench.GiveTimeAsync();

        bench.History.Should().ContainSingle();
    }

    [Theory]
    [InlineData("Sqlite", true)]
    [InlineData("Memory", false)]
    public async Task Stop_DuringARun_IsGoneOnFromAtTheNextStartWhereTheStoreRemembers(string store, bool goesOn)
    {
        await using var bench = new ServiceBench(""", "Schedule": { "RunAtStartup": true }""", Waiting);
        bench.Start($"Scheduler:Store={store}");
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Running);
        await bench.StopAsync();
        bench.History.Single().Outcome.Should().Be(RunOutcome.Cancelled);

        bench.Folder.Write("appsettings.json.go", "");
        bench.Start($"Scheduler:Store={store}", "Pipelines:notes:Schedule:RunAtStartup=false", "Pipelines:notes:Schedule:Cron=0 0 0 1 1 ? 2099");
        if (goesOn) await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Succeeded);
        else await Task.Delay(2000);

        bench.History.Should().HaveCount(goesOn ? 2 : 1);
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("runOnce", 1)]
    [InlineData("skip", 0)]
    public async Task Schedule_TimesPassedWhileTheServiceWasDown_FollowTheMisfirePolicy(string policy, int runs)
    {
        await using var bench = new ServiceBench(NeverSoon, """ "acme-note": { "Text": "Hello" } """);
        var daily = DateTimeOffset.UtcNow.AddMinutes(-2);
        string[] schedule =
        [
            $"Pipelines:notes:Schedule:Cron={daily.Second} {daily.Minute} {daily.Hour} * * ?", "Pipelines:notes:Schedule:TimeZone=UTC", $"Pipelines:notes:Schedule:Misfire={policy}", "Scheduler:MisfireSeconds=1",
        ];
        bench.Start(schedule);
        await bench.UntilAsync(() => NextTime(bench) > DateTimeOffset.UtcNow);
        await bench.StopAsync();
        UseScheduler(bench, connection => connection.Execute($"UPDATE qrtz_triggers SET start_time = start_time - {TimeSpan.TicksPerDay}, next_fire_time = next_fire_time - {TimeSpan.TicksPerDay}")); // as if that had been yesterday
        NextTime(bench).Should().BeBefore(DateTimeOffset.UtcNow);

        bench.Start(schedule);
        if (runs > 0) await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Succeeded);
        await bench.UntilAsync(() => NextTime(bench) > DateTimeOffset.UtcNow);
        await Task.Delay(2500);

        bench.History.Should().HaveCount(runs);
    }

    [Fact]
    public async Task Start_PipelineOrScheduleIsNoLongerConfigured_ForgetsWhatWasStored()
    {
        await using var bench = new ServiceBench(EverySecond);
        bench.Start();
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Succeeded);
        await bench.StopAsync();
        var before = bench.History.Count;

        bench.Start("Pipelines:notes:Schedule:Cron=0 0 0 1 1 ? 2099");
        await Task.Delay(3000);

        bench.History.Should().HaveCountLessThanOrEqualTo(before + 1, "one that waited at the stop may still run");
    }

    [Fact]
    public async Task Drop_DuringARun_IsTrainedInExactlyOneMoreAfterIt()
    {
        await using var bench = new ServiceBench(""", "Drops": { "Folder": "drops", "QuietSeconds": 0.2 }""", Waiting);
        bench.Start();
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Accepted));
        bench.Drop(1);
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Running);
        bench.Drop(2);
        bench.Drop(3);
        foreach (var waiting in (string[])["2.json", "3.json"]) await bench.UntilLoggedAsync($"{waiting} is good and waits");
        Directory.GetFiles(bench.Drops.Accepted).Should().HaveCount(1, "the data of a run does not change under it");

        bench.Folder.Write("appsettings.json.go", "");
        await bench.UntilAsync(() => bench.History.Count(run => run.Outcome == RunOutcome.Succeeded) == 2);
        await ServiceBench.GiveTimeAsync();

        Directory.GetFiles(bench.Drops.Accepted).Should().HaveCount(3);
        bench.History.Select(run => run.Trigger).Should().Equal("drop", "drop");
        NewSamples.Read(bench.Drops).Count.Should().Be(0);
    }

    [Fact]
    public async Task Drop_DuringARunThatIsFollowedAtOnce_IsTakenByTheNext()
    {
        await using var bench = new ServiceBench(""", "Drops": { "Folder": "drops", "QuietSeconds": 0.2 }""", Waiting);
        using var client = await bench.ServeAsync();
        await client.PostAsync("api/pipelines/notes/runs", null);
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Running);
        bench.Drop(1);
        await bench.UntilLoggedAsync("1.json is good and waits");
        await client.PostAsync("api/pipelines/notes/runs", null);

        bench.Folder.Write("appsettings.json.go", "");
        await bench.UntilAsync(() => bench.History.Count(run => run.Outcome == RunOutcome.Succeeded) == 2);

        Directory.GetFiles(bench.Drops.Accepted).Should().HaveCount(1);
        NewSamples.Read(bench.Drops).Count.Should().Be(0);
        await ServiceBench.GiveTimeAsync();
        bench.History.Select(run => run.Trigger).Should().Equal("manual", "manual");
    }

    [Fact]
    public async Task Drop_FewerSamplesThanWanted_WaitsForMore()
    {
        await using var bench = new ServiceBench(""", "Drops": { "Folder": "drops", "QuietSeconds": 0.2, "MinNewSamples": 5 }""");
        bench.Start();
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Accepted));
        bench.Drop(1);
        bench.Drop(2);
        await bench.UntilAsync(() => Directory.GetFiles(bench.Drops.Accepted).Length == 2);
        NewSamples.Read(bench.Drops).Count.Should().Be(4);
        await bench.StopAsync();
        bench.Start();
        await ServiceBench.GiveTimeAsync();
        bench.History.Should().BeEmpty();

        bench.Drop(3);
        await bench.UntilRunAsync(run => run is { Trigger: "drop", Outcome: RunOutcome.Succeeded });
        NewSamples.Read(bench.Drops).Count.Should().Be(0);
    }

    [Fact]
    public async Task Drop_ItsRunFails_IsRunAgainAfterARestart()
    {
        await using var bench = new ServiceBench(""", "Drops": { "Folder": "drops", "QuietSeconds": 0.2 }""", """ "acme-note": { "Text": "Hello", "Mishap": "once" } """);
        bench.Start("Scheduler:Store=Memory");
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Accepted));
        bench.Drop(1);
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Failed);
        await bench.StopAsync();
        NewSamples.Read(bench.Drops).Count.Should().Be(2);

        bench.Start("Scheduler:Store=Memory");
        await bench.UntilRunAsync(run => run is { Trigger: "drop", Outcome: RunOutcome.Succeeded });
        NewSamples.Read(bench.Drops).Count.Should().Be(0);
    }

    [Fact]
    public async Task Drop_RunByHandHasTrainedOnIt_CountsNoMore()
    {
        await using var bench = new ServiceBench(""", "Drops": { "Folder": "drops", "QuietSeconds": 0.2, "MinNewSamples": 3 }""");
        bench.Start();
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Accepted));
        bench.Drop(1);
        await bench.UntilAsync(() => Directory.GetFiles(bench.Drops.Accepted).Length == 1);
        (await bench.InvokeAsync("run")).ShouldSucceed();
        NewSamples.Read(bench.Drops).Count.Should().Be(0);

        bench.Drop(2);
        await bench.UntilAsync(() => Directory.GetFiles(bench.Drops.Accepted).Length == 2);
        await ServiceBench.GiveTimeAsync();
        bench.History.Select(run => run.Trigger).Should().Equal(["manual"], "there are 2 new samples, not 4");
    }

    [Fact]
    public async Task Drop_RunByHandIsUnderWayAtTheStart_IsNotRunForAgain()
    {
        await using var bench = new ServiceBench(""", "Drops": { "Folder": "drops", "QuietSeconds": 0.2 }""", Waiting);
        bench.Start("Pipelines:notes:Drops:MinNewSamples=100");
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Accepted));
        bench.Drop(1);
        await bench.UntilAsync(() => Directory.GetFiles(bench.Drops.Accepted).Length == 1);
        await bench.StopAsync();

        var byHand = bench.InvokeAsync("run");
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Running);
        bench.Start();
        await ServiceBench.GiveTimeAsync(); // its run for what was accepted waits for the one by hand
        bench.Folder.Write("appsettings.json.go", "");
        (await byHand).ShouldSucceed();
        await ServiceBench.GiveTimeAsync();

        NewSamples.Read(bench.Drops).Count.Should().Be(0);
        bench.History.Select(run => run.Trigger).Should().Equal("manual");
    }

    [Fact]
    public async Task IsBusyAsync_WaitingRunBeginsWhileItLooks_IsBusy()
    {
        await using var bench = await QueueBench.StartAsync();
        await bench.AddWaitingAsync();
        bench.AfterFirstQuery = bench.BeginAsync;

        (await bench.Queue.IsBusyAsync(QueueBench.Pipeline)).Should().BeTrue();
    }

    [Fact]
    public async Task IsBusyAsync_RunFailsAndWaitsForItsRetryWhileItLooks_IsBusy()
    {
        await using var bench = await QueueBench.StartAsync();
        await bench.AddWaitingAsync();
        await bench.BeginAsync();
        bench.AfterFirstQuery = async () =>
        {
            await bench.EndAsync();
            await bench.AddWaitingAsync();
        };

        (await bench.Queue.IsBusyAsync(QueueBench.Pipeline)).Should().BeTrue();
    }

    [Fact]
    public async Task IsBusyAsync_RunHasEnded_IsNot()
    {
        await using var bench = await QueueBench.StartAsync();
        await bench.AddWaitingAsync();
        await bench.BeginAsync();
        await bench.EndAsync();

        (await bench.Queue.IsBusyAsync(QueueBench.Pipeline)).Should().BeFalse();
    }

    [Fact]
    public async Task Unfinished_ServiceStopsWhenTheRunHasJustSucceeded_IsNotInIt()
    {
        using var work = new Workbench();
        using var lifetime = new StoppingLifetime();
        work.Observers.Add(lifetime);
        work.Restart();
        var settings = AlpacaSettings.Load(work.Folder.Write("appsettings.json", """{ "Pipelines": { "notes": { "Stages": { "acme-note": { "Text": "Hello" } } } } }"""), null, [], null, new Hashtable());
        var watched = new WatchedPipelines(settings, work.Time);
        var scanners = new DropScanners(watched, TestMetrics.Create(), work.Time, NullLogger<DropWatcher>.Instance);
        var runner = new ServiceRunner(settings, work.Runner, watched, scanners, lifetime, work.Time, NullLogger<ServiceRunner>.Instance);

        var run = await runner.RunAsync("notes", RunTriggers.Manual, CancellationToken.None);

        run!.Outcome.Should().Be(RunOutcome.Succeeded);
        lifetime.ApplicationStopping.IsCancellationRequested.Should().BeTrue();
        runner.Unfinished.Should().BeEmpty("it would run again at the next start");
    }

    [Fact]
    public async Task Schedule_MinNewSamples_LeavesTimesOutUntilTheyAreThere()
    {
        await using var bench = new ServiceBench(""", "Schedule": { "Cron": "0/1 * * * * ?", "MinNewSamples": 4 }, "Drops": { "Folder": "drops", "QuietSeconds": 0.2, "MinNewSamples": 100 }""");
        bench.Start();
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Accepted));
        bench.Drop(1);
        await Task.Delay(2500);
        bench.History.Should().BeEmpty();

        bench.Drop(2);
        await bench.UntilRunAsync(run => run is { Trigger: "schedule", Outcome: RunOutcome.Succeeded });
        await ServiceBench.GiveTimeAsync();
        bench.History.Should().ContainSingle("the samples have been seen");
    }

    /// <summary>When the stored schedule comes next; <see langword="null"/> where none is stored.</summary>
    private static DateTimeOffset? NextTime(ServiceBench bench)
        => UseScheduler(bench, connection => connection.Query("SELECT next_fire_time FROM qrtz_triggers WHERE trigger_group = 'schedules'", row => new DateTimeOffset(row.GetInt64(0), TimeSpan.Zero)).Cast<DateTimeOffset?>().SingleOrDefault());

    private static T? UseScheduler<T>(ServiceBench bench, Func<DbConnection, T> use)
    {
        var file = bench.Folder.Combine("workspace", "scheduler.db");
        if (!File.Exists(file)) return default;
        using var connection = new SqliteConnection($"Data Source={file};Pooling=False;Default Timeout=30");
        connection.Open();
        try
        {
            return use(connection);
        }
        catch (SqliteException e) when (e.Message.Contains("no such table", StringComparison.Ordinal))
        {
            return default; // The service has just begun to make them.
        }
    }

    /// <summary>Stops the service at the very end of a run.</summary>
    private sealed class StoppingLifetime : IHostApplicationLifetime, IRunObserver, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void RunStarted(RunRecord run) { }

        public void StageChanged(RunRecord run, StageRecord stage) { }

        public void RunEnded(RunRecord run) => StopApplication();

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }
}
