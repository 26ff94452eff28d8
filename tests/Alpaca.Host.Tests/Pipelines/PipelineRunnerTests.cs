using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Pipelines;

public sealed class PipelineRunnerTests : IDisposable
{
    private const string Both = """
        "acme-note": { "Text": "hello", "Copies": 2 }, "acme-binder": { "Title": "Letters" }
        """;

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task RunAsync_FirstTime_MakesEveryArtifactAndKeepsARecord()
    {
        var seen = new List<(string, StageOutcome)>();
        var run = await _bench.RunAsync(Both, new RunOptions { Trigger = "schedule", StageChanged = s => seen.Add((s.Name, s.Outcome)) });

        run.Should().Match<RunRecord>(r => r.Outcome == RunOutcome.Succeeded && r.Pipeline == "notes" && r.Trigger == "schedule" && r.Error == null && r.FinishedAt != null);
        run.Stages.Select(s => (s.Name, s.Outcome, s.Reason)).Should().Equal(
            ("acme-note", StageOutcome.Succeeded, "no artifact yet"), ("acme-binder", StageOutcome.Succeeded, "no artifact yet"));
        run.Stages[0].Metrics.Should().Equal(new Dictionary<string, double> { ["copies"] = 2 });
        run.Stages[1].Metrics.Should().Equal(new Dictionary<string, double> { ["backends"] = 1 }, "the stage was given the backend Notes");
        File.ReadAllText(Path.Combine(run.Stages[1].ArtifactFolder!, "binder.txt")).Should().Be("Letters\nhello\nhello\n");
        seen.Should().Equal(
            ("acme-note", StageOutcome.Running), ("acme-note", StageOutcome.Succeeded), ("acme-binder", StageOutcome.Running), ("acme-binder", StageOutcome.Succeeded));
        _bench.Leftovers().Should().BeEmpty();
        Directory.Exists(Path.Combine(_bench.Workspace, "resume", Path.GetFileName(run.Stages[0].ArtifactFolder!))).Should().BeFalse();
    }

    [Fact]
    public async Task RunAsync_ObserverThatThrows_IsToldEverythingAndHarmsNothing()
    {
        var observer = new ThrowingObserver();
        _bench.Observers.Add(observer);
        _bench.Restart();

        var run = await _bench.RunAsync(Both);

        run.Outcome.Should().Be(RunOutcome.Succeeded);
        observer.Seen.Should().Equal(
            "started Running", "acme-note Running", "acme-note Succeeded", "acme-binder Running", "acme-binder Succeeded", "ended Succeeded with 2 stages");
    }

    [Fact]
    public async Task RunAsync_FirstTime_WritesAManifestThatTellsTheWholeStory()
    {
        var run = await _bench.RunAsync(Both);

        var (note, binder) = (Manifest(run.Stages[0]), Manifest(run.Stages[1]));
        note["options"]!.AsObject().Select(o => o.Key).Should().Equal("Copies", "Mishap", "Text");
        note["options"]!["Mishap"]!.GetValue<string>().Should().Be("none");
        note["plugin"]!.GetValue<string>().Should().Be("Acme.Notes");
        note["pluginVersion"]!.GetValue<string>().Should().Be("1.2.3");
        note["metrics"]!["copies"]!.GetValue<double>().Should().Be(2);
        note["artifact"]!.AsObject().Should().ContainKey("resumedFrom").And.NotContainKey("kind");
        note["startedAt"]!.GetValue<DateTimeOffset>().Should().Be(_bench.Time.GetUtcNow());
        var file = note["files"]!.AsArray().Should().ContainSingle().Which!;
        file["path"]!.GetValue<string>().Should().Be("pages/1.txt");
        file["size"]!.GetValue<long>().Should().Be(12);
        file["sha256"]!.GetValue<string>().Should().Be(Convert.ToHexStringLower(SHA256.HashData("hello\nhello\n"u8)));
        binder["inputs"]!.AsArray().Select(i => (i!["option"]!.GetValue<string>(), i["stage"]!.GetValue<string>())).Should().Equal(("Notes", "acme-note"), ("Cover", "acme-note"));
    }

    [Fact]
    public async Task RunAsync_SecondTime_SkipsEverything()
    {
        var first = await _bench.RunAsync(Both);
        _bench.Restart();
        var second = await _bench.RunAsync(Both);

        second.Stages.Should().OnlyContain(s => s.Skipped && s.Reason == "up to date");
        second.Stages.Select(s => s.ArtifactFolder).Should().Equal(first.Stages.Select(s => s.ArtifactFolder));
        second.Stages[0].Metrics.Should().ContainKey("copies");
        _bench.Runs.List().Select(r => r.Id).Should().Equal(second.Id, first.Id);
    }

    [Fact]
    public async Task RunAsync_ForcedStageThatMakesTheSameFiles_DoesNotMakeTheRestRunAgain()
    {
        await _bench.RunAsync(Both);
        var run = await _bench.RunAsync(Both, new RunOptions { Force = ["acme-note"] });

        run.Stages.Select(s => (s.Outcome, s.Reason)).Should().Equal((StageOutcome.Succeeded, "forced"), (StageOutcome.Skipped, "up to date"));
        _bench.Leftovers().Should().BeEmpty();
    }

    [Fact]
    public async Task RunAsync_ChangedOption_RunsTheStageAndWhatDependsOnIt()
    {
        await _bench.RunAsync(Both);
        var run = await _bench.RunAsync(Both.Replace("hello", "bye"));

        run.Stages.Select(s => s.Reason).Should().Equal("option Text changed from hello to bye", "input Notes changed, input Cover changed");
        File.ReadAllText(Path.Combine(run.Stages[1].ArtifactFolder!, "binder.txt")).Should().Be("Letters\nbye\nbye\n");
    }

    [Fact]
    public async Task RunAsync_Until_StopsThere()
    {
        var run = await _bench.RunAsync(Both, new RunOptions { Until = "acme-note" });

        run.Outcome.Should().Be(RunOutcome.Succeeded);
        run.Stages.Select(s => s.Name).Should().Equal("acme-note");
    }

    [Theory]
    [InlineData("error", "The pen ran dry; refill it.")]
    [InlineData("crash", "NoteJammedException: The paper jammed. (unexpected; --verbose shows where)")]
    public async Task RunAsync_StageThrows_FailsWithTheReasonAndPublishesNothing(string mishap, string error)
    {
        var run = await _bench.RunAsync(Both.Replace("\"Copies\": 2", $"\"Mishap\": \"{mishap}\""));

        run.Outcome.Should().Be(RunOutcome.Failed);
        run.Error.Should().Be($"Stage acme-note failed: {error}");
        run.Stages.Should().ContainSingle().Which.Should().Match<StageRecord>(s => s.Outcome == StageOutcome.Failed && s.Error == error && s.ArtifactFolder == null);
        _bench.Leftovers().Should().BeEmpty();
        Directory.GetDirectories(Path.Combine(_bench.Workspace, "artifacts", "note")).Should().BeEmpty();
    }

    [Fact]
    public async Task RunAsync_AfterAFailure_GoesOnFromWhatTheStageKept()
    {
        const string failsOnce = """
            "acme-note": { "Text": "hello", "Mishap": "once" }
            """;
        (await _bench.RunAsync(failsOnce)).Outcome.Should().Be(RunOutcome.Failed);
        _bench.Restart();
        var run = await _bench.RunAsync(failsOnce);

        Manifest(run.Stages[0])["artifact"]!["resumedFrom"]!.GetValue<string>().Should().Be("page 1");
        Directory.GetDirectories(Path.Combine(_bench.Workspace, "resume")).Should().BeEmpty("a finished stage needs it no more");
    }

    [Fact]
    public async Task RunAsync_Cancelled_IsRecordedAndKeepsWhatTheStageKept()
    {
        using var cancellation = new CancellationTokenSource();
        var running = _bench.RunAsync(
            """
            "acme-note": { "Text": "hello", "Mishap": "hang" }
            """,
            cancellationToken: cancellation.Token);
        while (!Directory.EnumerateFiles(_bench.Workspace, "checkpoint.txt", SearchOption.AllDirectories).Any()) await Task.Delay(10);
        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => running).Should().ThrowAsync<OperationCanceledException>();
        var run = _bench.Runs.List().Should().ContainSingle().Subject;
        run.Outcome.Should().Be(RunOutcome.Cancelled);
        run.Stages.Should().ContainSingle().Which.Outcome.Should().Be(StageOutcome.Cancelled);
        _bench.Leftovers().Should().BeEmpty();
        Directory.EnumerateFiles(Path.Combine(_bench.Workspace, "resume"), "*", SearchOption.AllDirectories).Should().ContainSingle();
    }

    [Fact]
    public async Task RunAsync_WhileItIsRunning_RefusesAndNamesTheProcess()
    {
        const string hanging = """
            "acme-note": { "Text": "hello", "Mishap": "hang" }
            """;
        using var cancellation = new CancellationTokenSource();
        var running = _bench.RunAsync(hanging, cancellationToken: cancellation.Token);
        while (!Directory.EnumerateFiles(_bench.Workspace, "checkpoint.txt", SearchOption.AllDirectories).Any()) await Task.Delay(10);
        _bench.Restart();

        await FluentActions.Awaiting(() => _bench.RunAsync(hanging)).Should().ThrowAsync<AlpacaException>()
            .WithMessage($"Pipeline notes is already running in {_bench.Workspace}, in process {Environment.ProcessId}; wait for it or stop that process.");
        _bench.Store.RemoveLeftovers();
        _bench.Leftovers().Should().ContainSingle("a running stage's folder is not a leftover");
        _bench.Runs.List().Should().ContainSingle().Which.Outcome.Should().Be(RunOutcome.Running);

        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => running).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task RunAsync_TwoPipelinesThatNeedTheSameArtifact_MakeItOnce()
    {
        var pipeline = _bench.Pipeline(Both);
        var runs = await Task.WhenAll(((string[])["first", "second"]).Select(name => Task.Run(() => _bench.Runner.RunAsync(pipeline with { Name = name }))));

        runs.Should().OnlyContain(r => r.Outcome == RunOutcome.Succeeded);
        runs.Select(r => r.Stages[0].Outcome).Should().BeEquivalentTo([StageOutcome.Succeeded, StageOutcome.Skipped]);
        runs.SelectMany(r => r.Stages).Select(s => s.ArtifactFolder).Distinct().Should().HaveCount(2);
    }

    [Fact]
    public async Task RunAsync_DamagedArtifact_IsMadeAgain()
    {
        var first = await _bench.RunAsync(Both);
        var page = Path.Combine(first.Stages[0].ArtifactFolder!, "pages", "1.txt");
        File.WriteAllText(page, "tampered");

        var second = await _bench.RunAsync(Both);

        second.Stages.Select(s => s.Outcome).Should().Equal(StageOutcome.Succeeded, StageOutcome.Skipped);
        File.ReadAllText(page).Should().Be("hello\nhello\n");
    }

    [Fact]
    public async Task RunAsync_LeftoversOfADeadProcess_AreRemoved()
    {
        var dead = _bench.Folder.CreateFolder("workspace", "artifacts", "note", $".0123456789abcdef.partial-{DeadProcess.Id}@{Environment.MachineName}");
        var living = _bench.Folder.CreateFolder("workspace", "artifacts", "note", $".0123456789abcdef.partial-{LivingProcess()}@{Environment.MachineName}");
        var foreign = _bench.Folder.CreateFolder("workspace", "artifacts", "note", ".somebody-elses");
        var replaced = _bench.Folder.CreateFolder("workspace", "artifacts", "note", $".fedcba9876543210.replaced-{DeadProcess.Id}@{Environment.MachineName}");

        await _bench.RunAsync(Both);

        Directory.Exists(dead).Should().BeFalse();
        Directory.Exists(living).Should().BeTrue();
        Directory.Exists(foreign).Should().BeTrue();
        Directory.Exists(replaced).Should().BeFalse();
        Directory.Exists(Path.Combine(Path.GetDirectoryName(replaced)!, "fedcba9876543210")).Should().BeTrue("its replacement never came");
    }

    [Fact]
    public async Task RunAsync_LeftoversOfAnotherMachine_AreRemovedUnlessItIsAtThem()
    {
        var abandoned = _bench.Folder.CreateFolder("workspace", "artifacts", "note", ".0123456789abcdef.partial-1@elsewhere");
        var underWay = _bench.Folder.CreateFolder("workspace", "artifacts", "note", ".fedcba9876543210.partial-1@elsewhere");
        using var making = await WorkspaceLock.ForArtifactAsync(_bench.Workspace, "fedcba9876543210", CancellationToken.None);

        await _bench.RunAsync(Both);

        Directory.Exists(abandoned).Should().BeFalse();
        Directory.Exists(underWay).Should().BeTrue();
    }

    [Fact]
    public async Task RunAsync_BrokenPipeline_StartsNothing()
    {
        await FluentActions.Awaiting(() => _bench.RunAsync("\"acme-note\": {}")).Should().ThrowAsync<AlpacaUsageException>();

        Directory.Exists(_bench.Workspace).Should().BeFalse();
    }

    [Fact]
    public async Task RunAsync_WorkspaceThatCannotBeWrittenTo_SaysSo()
    {
        _bench.Folder.Write("workspace", "a file where the folder should be");

        await FluentActions.Awaiting(() => _bench.RunAsync(Both)).Should().ThrowAsync<AlpacaException>()
            .WithMessage($"The workspace {_bench.Workspace} cannot be written to (*); choose another one with --workspace.");
    }

    [Fact]
    public async Task RunAsync_TooLittleSpace_FailsBeforeTheStageStarts()
    {
        _bench.FreeSpace = 10 << 20;

        var run = await _bench.RunAsync(Both);

        run.Error.Should().StartWith("Stage acme-note failed: Stage acme-note needs about 64 MiB of free space in ").And.Contain("and there is 10 MiB");
        Directory.Exists(Path.Combine(_bench.Workspace, "resume")).Should().BeFalse();
    }

    private static int LivingProcess() => Environment.ProcessId == 1 ? 2 : 1;

    private static JsonObject Manifest(StageRecord stage) => JsonNode.Parse(File.ReadAllText(Path.Combine(stage.ArtifactFolder!, "manifest.json")))!.AsObject();

    private sealed class ThrowingObserver : IRunObserver
    {
        public List<string> Seen { get; } = [];

        public void RunStarted(RunRecord run) => Note($"started {run.Outcome}");

        public void StageChanged(RunRecord run, StageRecord stage) => Note($"{stage.Name} {stage.Outcome}");

        public void RunEnded(RunRecord run) => Note($"ended {run.Outcome} with {run.Stages.Count} stages");

        private void Note(string what)
        {
            Seen.Add(what);
            throw new InvalidOperationException(what);
        }
    }
}
