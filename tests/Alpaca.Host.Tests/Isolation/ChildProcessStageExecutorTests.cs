using System.Diagnostics;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>Stages in processes of the real executable.</summary>
public sealed class ChildProcessStageExecutorTests : IDisposable
{
    private readonly IsolationBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task ExecuteAsync_AllOptionTypes_MakesWhatItMakesInProcess()
    {
        var request = _bench.Request(
            ("Text", ["a \"quoted\"\n中文, line"]), ("File", ["/tmp/a,b"]), ("Numbers", ["3", "-4"]), ("Choices", ["wait", "none"]), ("Big", ["18446744073709551615"]),
            ("Small", ["255"]), ("Count", ["-9007199254740993"]), ("Real", ["0.1"]), ("Single", ["3.4028235E38"]), ("Exact", ["1.25"]), ("Time", ["1.02:03:04.5"]), ("Choice", ["abort"]), ("Garbage", ["false"]));

        var apart = await _bench.RunAsync(request);
        var processId = _bench.ProcessId;
        var here = await _bench.RunHereAsync(request);

        apart.Metrics.Should().Equal(here.Metrics);
        JsonNode.DeepEquals(apart.Properties, here.Properties).Should().BeTrue("{0} and {1} say the same", apart.Properties, here.Properties);
        apart.Properties["request"]!.GetValue<string>().Should().Contain("中文").And.Contain("-9007199254740993").And.Contain("18446744073709551615");
        apart.Properties["motto"]!.GetValue<string>().Should().Be("Onwards: 前进");
        processId.Should().NotBe(Environment.ProcessId);
        _bench.ProcessId.Should().Be(Environment.ProcessId);
        Directory.GetFiles(_bench.Context.ResumeFolder).Select(Path.GetFileName).Should().Equal(["process.txt"], "the worker's lock is gone");
    }

    [Fact]
    public async Task ExecuteAsync_ProgressAndLogs_Arrive()
    {
        await _bench.RunAsync(_bench.Request(("Reports", ["100000"])));

        _bench.Progress.Events[0].Should().Be("start mishap  Steps");
        _bench.Progress.Events.Should().ContainInConsecutiveOrder("status report 100000", "done 100000", "end").And.Contain("total 100000").And.HaveCountLessThan(200, "it is thinned out");
        _bench.Log.Should().Contain("Warning Alpaca.Stage.mine: Something may happen").And.Contain("Information Acme.Mishaps.MishapStage: Told to None");
    }

    [Fact]
    public async Task ExecuteAsync_GarbageOnStandardOutput_IsLoggedAndHarmless()
    {
        var made = await _bench.RunAsync(_bench.Request(("Garbage", ["true"])));

        made.Properties["motto"].Should().NotBeNull("the forged result is not the stage's");
        _bench.Log.Should().Contain(line => line.Contains("{ garbage")).And.Contain(line => line.Contains("native garbage"));
    }

    [Fact]
    public async Task ExecuteAsync_Priority_IsTheProcesss()
    {
        await _bench.RunAsync("none", new IsolationSettings { Priority = ProcessPriorityClass.Idle });
        _bench.Process[1].Should().Be("Idle");
        if (OperatingSystem.IsLinux()) int.Parse(_bench.Process[2], System.Globalization.CultureInfo.InvariantCulture).Should().BeGreaterThanOrEqualTo(500);
    }

    [UnixTheory]
    [InlineData("abort", "Stage acme-mishap ended abnormally (signal 6, SIGABRT): terminate called: out of luck; *")]
    [InlineData("exit", "Stage acme-mishap ended abnormally (exit code 3): leaving now; *")]
    [InlineData("killed", "Stage acme-mishap ended abnormally (signal 9, SIGKILL); the kernel probably ended it for lack of memory*")]
    [InlineData("threadthrows", "Stage acme-mishap ended abnormally (signal 6, SIGABRT): Unhandled exception. System.InvalidOperationException: The thread tore; *")]
    public async Task ExecuteAsync_ProcessDies_SaysHow(string mishap, string message)
    {
        await FluentActions.Awaiting(() => _bench.RunAsync(mishap)).Should().ThrowAsync<AlpacaException>().WithMessage(message);

        _bench.Progress.Events.Should().EndWith("end", "no progress is left hanging");
        (await _bench.RunAsync("none")).Metrics["reports"].Should().Be(1, "the next one runs");
    }

    [Fact]
    public async Task ExecuteAsync_MemoryAboveTheLimit_EndsItAndSaysSo()
        => await FluentActions.Awaiting(() => _bench.RunAsync("memory", new IsolationSettings { MemoryLimit = 400_000_000 })).Should().ThrowAsync<AlpacaException>()
            .WithMessage("Stage acme-mishap was ended because it used * GB of memory, above Isolation:MemoryLimit (0.4 GB); lower *");

    [Fact]
    public async Task ExecuteAsync_Errors_AreTheSameAsInProcess()
    {
        (await FluentActions.Awaiting(() => _bench.RunAsync("transienterror")).Should().ThrowExactlyAsync<AlpacaException>().WithMessage("The line is busy; try again."))
            .Which.IsTransient.Should().BeTrue();
        await FluentActions.Awaiting(() => _bench.RunAsync("fileerror")).Should().ThrowExactlyAsync<IOException>().WithMessage("The file is away.");
        (await FluentActions.Awaiting(() => _bench.RunAsync("defect")).Should().ThrowExactlyAsync<AlpacaException>().WithMessage("InvalidTimeZoneException: The zone is wrong. (unexpected; --verbose shows where)"))
            .Which.ToString().Should().Contain("MishapStage.ExecuteAsync", "details are there for those who ask");
    }

    [Fact]
    public async Task ExecuteAsync_Cancelled_WritesACheckpointAndGoesOnFromThere()
    {
        using var cancelled = new CancellationTokenSource();
        var run = _bench.RunAsync("wait", cancellationToken: cancelled.Token);
        await _bench.StartedAsync(run);

        await cancelled.CancelAsync();

        await FluentActions.Awaiting(() => run).Should().ThrowAsync<OperationCanceledException>();
        (await _bench.RunAsync("wait")).Properties["resumedFrom"]!.GetValue<string>().Should().Be("step 5");
    }

    [Fact]
    public async Task ExecuteAsync_CancelledAndGoesOn_IsEndedAfterTheGraceTime()
    {
        using var cancelled = new CancellationTokenSource();
        var run = _bench.RunAsync("stubborn", new IsolationSettings { StopTime = TimeSpan.FromSeconds(1) }, cancelled.Token);
        await _bench.StartedAsync(run);

        await cancelled.CancelAsync();

        await FluentActions.Awaiting(() => run).Should().ThrowAsync<OperationCanceledException>();
        _bench.Log.Should().Contain(line => line.Contains("did not stop within 1 s"));
        ProcessIdentity.IsNumberInUse(_bench.ProcessId).Should().BeFalse();
    }

    [Fact]
    public async Task ExecuteAsync_EarlierWorkerStillWrites_WaitsForIt()
    {
        Task<ArtifactData> run;
        using (new FileStream(Path.Combine(_bench.Context.ResumeFolder, StageWorker.LockFile), FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            run = _bench.RunAsync("none");
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
            while (!_bench.Progress.Events.Any(e => e.StartsWith("start waiting", StringComparison.Ordinal))) await Task.Delay(50, limit.Token);
            File.Exists(Path.Combine(_bench.Context.OutputFolder, "process.txt")).Should().BeFalse();
        }

        (await run).Metrics["reports"].Should().Be(1);
    }
}
