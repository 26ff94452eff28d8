using System.Globalization;
using Alpaca.Abstractions;
using Microsoft.Data.Sqlite;

namespace Alpaca.Host.Tests.Runs;

public sealed class RunStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RunDatabase _database;
    private readonly RunStore _store;
    private readonly DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    public RunStoreTests()
    {
        _database = new RunDatabase(_folder.Combine("workspace", "runs.db"));
        _store = new RunStore(_database);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Get_FinishedRun_GivesBackWhatWasWritten()
    {
        var stage = new StageRecord(
            "train", "acme-train", StageOutcome.Succeeded, "no artifact yet", _now, _now.AddMinutes(1),
            new Dictionary<string, double> { ["loss"] = 0.1, ["gone"] = double.NaN }, null, "adapter", "/w/artifacts/adapter/1");
        var id = _store.Start("sample", "manual", _now);
        _store.Save(id, 0, stage with { Outcome = StageOutcome.Running, FinishedAt = null });
        _store.Save(id, 0, stage);
        _store.Finish(id, RunOutcome.Succeeded, null, _now.AddMinutes(2));

        var run = new RunStore(new RunDatabase(_database.File)).Get(id);

        run.Should().BeEquivalentTo(new RunRecord(1, "sample", "manual", RunOutcome.Succeeded, _now, _now.AddMinutes(2), null, [stage]));
    }

    [Fact]
    public void List_SeveralRuns_AreNewestFirst()
    {
        foreach (var pipeline in (string[])["a", "b", "a"]) _store.Finish(_store.Start(pipeline, "manual", _now), RunOutcome.Failed, "It failed.", _now);

        _store.List().Select(r => r.Id).Should().Equal(3, 2, 1);
        _store.List(pipeline: "a").Select(r => r.Id).Should().Equal(3, 1);
        _store.List(limit: 1).Should().ContainSingle().Which.Error.Should().Be("It failed.");
    }

    [Fact]
    public void List_RunWhoseProcessDied_IsInterrupted()
    {
        var (died, restarted, running) = (StartedStage(), StartedStage(), StartedStage());
        Rewrite($"UPDATE runs SET process_id = {DeadProcess.Id} WHERE id = {died}");

        // The number of a living process, which however started at another time: a container's process 1 before a restart.
        Rewrite($"UPDATE runs SET process_started_at = '2001-01-01T00:00:00.0000000+00:00' WHERE id = {restarted}");

        _store.List().ToDictionary(r => r.Id, r => (r.Outcome, r.Stages[0].Outcome)).Should().Equal(new Dictionary<long, (RunOutcome, StageOutcome)>
        {
            [died] = (RunOutcome.Interrupted, StageOutcome.Interrupted),
            [restarted] = (RunOutcome.Interrupted, StageOutcome.Interrupted),
            [running] = (RunOutcome.Running, StageOutcome.Running),
        });
        _store.Get(died).Error.Should().Be("Its process ended before the run did.");
    }

    [Fact]
    public async Task Save_FromSeveralThreads_LosesNothing()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() =>
        {
            var store = new RunStore(new RunDatabase(_database.File));
            var id = store.Start("sample", "manual", _now);
            store.Finish(id, RunOutcome.Succeeded, null, _now);
            return id;
        })));

        ids.Should().OnlyHaveUniqueItems();
        _store.List().Should().HaveCount(16).And.OnlyContain(r => r.Outcome == RunOutcome.Succeeded);
    }

    [Fact]
    public void Get_UnknownRun_SaysWhere()
        => _store.Invoking(s => s.Get(7)).Should().Throw<AlpacaException>().WithMessage($"There is no run 7 in {_database.File}; `alpaca runs` lists them.");

    [Fact]
    public void List_FileThatIsNoDatabase_NamesIt()
    {
        _folder.Write("workspace/runs.db", string.Concat(Enumerable.Repeat("This is not a database. ", 100)));

        _store.Invoking(s => s.List()).Should().Throw<AlpacaException>().WithMessage($"The run database {_database.File} cannot be used (*");
    }

    [Fact]
    public void List_DatabaseOfANewerVersion_IsLeftAlone()
    {
        _store.List();
        Rewrite("PRAGMA user_version = 99");

        new RunStore(new RunDatabase(_database.File)).Invoking(s => s.List()).Should().Throw<AlpacaException>().WithMessage("*was written by a newer version of alpaca*");
    }

    private long StartedStage()
    {
        var id = _store.Start("sample", "manual", _now);
        _store.Save(id, 0, new StageRecord("train", "train", StageOutcome.Running, "forced", _now, null, new Dictionary<string, double>(), null, "adapter", null));
        return id;
    }

    private void Rewrite(string sql)
    {
        using var connection = new SqliteConnection(string.Create(CultureInfo.InvariantCulture, $"Data Source={_database.File};Pooling=False"));
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
