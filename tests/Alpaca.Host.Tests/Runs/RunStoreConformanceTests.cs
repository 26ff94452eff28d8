using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Runs;

/// <summary>What holds for the history of runs wherever it is kept.</summary>
public sealed class RunStoreConformanceTests
{
    private readonly DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    [Theory]
    [InlineData(DatabaseKind.Sqlite)]
    [PostgresData(DatabaseKind.Postgres)]
    public void Get_FinishedRun_GivesBackWhatWasWritten(DatabaseKind kind)
    {
        using var database = new TestDatabase(kind);
        var store = new RunStore(database.Open());
        var stage = new StageRecord(
            "train", "acme-train", StageOutcome.Succeeded, "no artifact yet", _now, _now.AddMinutes(1),
            new Dictionary<string, double> { ["loss"] = 0.1, ["gone"] = double.NaN }, null, "adapter", "/w/artifacts/adapter/1");
        var id = store.Start("sample", "manual", _now);
        store.Save(id, 0, stage with { Outcome = StageOutcome.Running, FinishedAt = null });
        store.Save(id, 0, stage);
        var verdict = new PromotionVerdict(3, PromotionOutcome.Rejected, false, "It failed.", [new RuleResult("loss < 1", false, double.NaN, 1, null), new RuleResult("gone < 1", false, null, 1, "the run has no metric gone")]);
        store.Finish(id, RunOutcome.Succeeded, null, _now.AddMinutes(2), verdict);

        var run = new RunStore(database.Open()).Get(id);

        run.Should().BeEquivalentTo(new RunRecord(1, "sample", "manual", RunOutcome.Succeeded, _now, _now.AddMinutes(2), null, [stage]) { Verdict = verdict, Machine = Environment.MachineName });
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite)]
    [PostgresData(DatabaseKind.Postgres)]
    public void List_SeveralRuns_AreNewestFirst(DatabaseKind kind)
    {
        using var database = new TestDatabase(kind);
        var store = new RunStore(database.Open());
        foreach (var pipeline in (string[])["a", "b", "a"]) store.Finish(store.Start(pipeline, "manual", _now), RunOutcome.Failed, "It failed.", _now);

        store.List().Select(r => r.Id).Should().Equal(3, 2, 1);
        store.List(pipeline: "a").Select(r => r.Id).Should().Equal(3, 1);
        store.List(limit: 1).Should().ContainSingle().Which.Error.Should().Be("It failed.");
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite)]
    [PostgresData(DatabaseKind.Postgres)]
    public void List_RunWhoseProcessDied_IsInterrupted(DatabaseKind kind)
    {
        using var database = new TestDatabase(kind);
        var store = new RunStore(database.Open());
        var (died, restarted, running) = (StartedStage(store), StartedStage(store), StartedStage(store));
        database.Rewrite($"UPDATE runs SET process_id = {DeadProcess.Id} WHERE id = {died}");

        // The number of a living process, which however started at another time: a container's process 1 before a restart.
        database.Rewrite($"UPDATE runs SET process_started_at = '2001-01-01T00:00:00.0000000+00:00' WHERE id = {restarted}");

        store.List().ToDictionary(r => r.Id, r => (r.Outcome, r.Stages[0].Outcome)).Should().Equal(new Dictionary<long, (RunOutcome, StageOutcome)>
        {
            [died] = (RunOutcome.Interrupted, StageOutcome.Interrupted),
            [restarted] = (RunOutcome.Interrupted, StageOutcome.Interrupted),
            [running] = (RunOutcome.Running, StageOutcome.Running),
        });
        store.Get(died).Error.Should().Be("Its process ended before the run did.");
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite)]
    [PostgresData(DatabaseKind.Postgres)]
    public async Task Save_FromSeveralThreads_LosesNothing(DatabaseKind kind)
    {
        using var database = new TestDatabase(kind);
        var store = new RunStore(database.Open());
        var ids = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() =>
        {
            var other = new RunStore(database.Open());
            var id = other.Start("sample", "manual", _now);
            other.Finish(id, RunOutcome.Succeeded, null, _now);
            return id;
        })));

        ids.Should().OnlyHaveUniqueItems();
        store.List().Should().HaveCount(16).And.OnlyContain(r => r.Outcome == RunOutcome.Succeeded);
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite)]
    [PostgresData(DatabaseKind.Postgres)]
    public void MarkInterrupted_RunOfAnotherMachine_IsLeftUntilItsPipelineIsRunAgain(DatabaseKind kind)
    {
        using var database = new TestDatabase(kind);
        var store = new RunStore(database.Open());
        var id = StartedStage(store);
        database.Rewrite($"UPDATE runs SET process_id = {DeadProcess.Id}, machine = 'elsewhere' WHERE id = {id}");

        store.MarkInterrupted().Should().Be(0, "nobody here knows whether that process lives");
        store.MarkInterrupted("another");
        store.Get(id).Should().Match<RunRecord>(run => run.Outcome == RunOutcome.Running && run.Machine == "elsewhere");

        store.MarkInterrupted("sample");
        store.Get(id).Outcome.Should().Be(RunOutcome.Interrupted);
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite)]
    [PostgresData(DatabaseKind.Postgres)]
    public void Of_FileThatIsKnown_IsNotReadAgain(DatabaseKind kind)
    {
        using var database = new TestDatabase(kind);
        using var folder = new TemporaryFolder();
        var file = folder.Write("data.json", "[]");
        File.SetLastWriteTimeUtc(file, _now.UtcDateTime);
        var first = new ContentDigests(database.Open(), TimeProvider.System).Of(file, NullProgress.Instance);
        database.Rewrite("UPDATE digests SET sha256 = 'remembered'");

        first.Sha256.Should().Be("4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945");
        new ContentDigests(database.Open(), TimeProvider.System).Of(file, NullProgress.Instance).Should().Be(("remembered", 2L));
    }

    private long StartedStage(RunStore store)
    {
        var id = store.Start("sample", "manual", _now);
        store.Save(id, 0, new StageRecord("train", "train", StageOutcome.Running, "forced", _now, null, new Dictionary<string, double>(), null, "adapter", null));
        return id;
    }
}
