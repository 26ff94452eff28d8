using System.Globalization;
using Alpaca.Abstractions;
using Microsoft.Data.Sqlite;

namespace Alpaca.Host.Tests.Runs;

/// <summary>What a SQLite file has beside the conformance: versions, and damage.</summary>
public sealed class SqliteRunDatabaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteRunDatabase _database;
    private readonly RunStore _store;
    private readonly DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    public SqliteRunDatabaseTests()
    {
        _database = new SqliteRunDatabase(_folder.Combine("workspace", "runs.db"));
        _store = new RunStore(_database);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Get_UnknownRun_SaysWhere()
        => _store.Invoking(s => s.Get(7)).Should().Throw<AlpacaException>().WithMessage($"There is no run 7 in {_database.File}; `alpaca runs` lists them.");

    [Fact]
    public void List_FileThatIsNoDatabase_SaysWhatToDo()
    {
        _folder.Write("workspace/runs.db", string.Concat(Enumerable.Repeat("This is not a database. ", 100)));

        _store.Invoking(s => s.List()).Should().Throw<AlpacaException>().WithMessage($"The database {_database.File} is damaged (*); restore it from a backup, or let `alpaca runs --start-fresh` set it aside*");
    }

    [Fact]
    public void Check_PageThatIsDamaged_SaysSoAndChangesNothing()
    {
        for (var i = 0; i < 200; i++) _store.Finish(_store.Start("sample", "manual", _now), RunOutcome.Failed, new string('x', 500), _now);
        Rewrite("PRAGMA wal_checkpoint(TRUNCATE)");
        var content = File.ReadAllBytes(_database.File);
        content.AsSpan(3 * 4096, 4096).Fill(0xA5);
        File.WriteAllBytes(_database.File, content);

        new SqliteRunDatabase(_database.File).Invoking(d => d.Check()).Should().Throw<AlpacaException>().WithMessage($"The database {_database.File} is damaged (*");
        File.ReadAllBytes(_database.File).Should().Equal(content);
    }

    [Fact]
    public void SetAside_DamagedFile_KeepsItAndTheNextUseBeginsANewOne()
    {
        var file = _folder.Write("workspace/runs.db", string.Concat(Enumerable.Repeat("This is not a database. ", 100)));

        var aside = SqliteFile.SetAside(file, _now);

        aside.Should().Be(_folder.Combine("workspace", "runs.db.set-aside-20260102T030405Z"));
        File.ReadAllText(aside!).Should().StartWith("This is not a database.");
        _store.List().Should().BeEmpty();
        SqliteFile.DamageOf(file).Should().BeNull();
    }

    [Fact]
    public void List_DatabaseOfVersion1_GetsTheNewColumnsAndKeepsItsRuns()
    {
        _store.Finish(_store.Start("sample", "manual", _now), RunOutcome.Succeeded, null, _now);
        Rewrite("ALTER TABLE runs DROP COLUMN verdict; ALTER TABLE runs DROP COLUMN machine; PRAGMA user_version = 1");

        var store = new RunStore(new SqliteRunDatabase(_database.File));

        store.List().Should().ContainSingle().Which.Should().Match<RunRecord>(r => r.Outcome == RunOutcome.Succeeded && r.Verdict == null);
        var verdict = new PromotionVerdict(1, PromotionOutcome.Promoted, true, "It passed.", []);
        var id = store.Start("sample", "manual", _now);
        store.Finish(id, RunOutcome.Succeeded, null, _now, verdict);
        new RunStore(new SqliteRunDatabase(_database.File)).Get(id).Verdict.Should().BeEquivalentTo(verdict);
    }

    [Fact]
    public void List_DatabaseOfANewerVersion_IsLeftAlone()
    {
        _store.List();
        Rewrite("PRAGMA user_version = 99");

        new RunStore(new SqliteRunDatabase(_database.File)).Invoking(s => s.List()).Should().Throw<AlpacaException>().WithMessage("*was written by a newer version of alpaca*");
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
