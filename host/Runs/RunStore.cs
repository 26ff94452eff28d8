using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Alpaca.Abstractions;
using Microsoft.Data.Sqlite;

namespace Alpaca.Host;

/// <summary>The history of a workspace's runs. Safe to use from several threads and processes.</summary>
public sealed class RunStore
{
    private const string RunColumns = "id, pipeline, trigger, outcome, started_at, finished_at, error";
    private const string StageColumns = "name, uses, outcome, reason, started_at, finished_at, metrics, error, artifact_kind, artifact_folder";
    private static readonly JsonSerializerOptions MetricsJson = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly RunDatabase _database;

    /// <summary>Opens the history.</summary>
    /// <param name="database">The workspace's database.</param>
    public RunStore(RunDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        _database = database;
    }

    /// <summary>The latest runs, newest first. A run whose process died is marked as interrupted.</summary>
    /// <param name="limit">The most to return.</param>
    /// <param name="pipeline">Only this pipeline's; <see langword="null"/> for all.</param>
    public IReadOnlyList<RunRecord> List(int limit = 50, string? pipeline = null)
    {
        MarkInterrupted();
        using var connection = _database.Open();
        return [.. connection.Query($"SELECT {RunColumns} FROM runs WHERE $1 IS NULL OR pipeline = $1 ORDER BY id DESC LIMIT $2", ReadRun, pipeline, limit)
            .Select(run => run with { Stages = StagesOf(connection, run.Id) })];
    }

    /// <summary>A run by its number, or <see langword="null"/>.</summary>
    public RunRecord? Find(long id)
    {
        MarkInterrupted();
        using var connection = _database.Open();
        return connection.Query($"SELECT {RunColumns} FROM runs WHERE id = $1", ReadRun, id)
            .Select(run => run with { Stages = StagesOf(connection, run.Id) }).FirstOrDefault();
    }

    /// <summary>A run by its number.</summary>
    /// <exception cref="AlpacaException">There is none.</exception>
    public RunRecord Get(long id) => Find(id) ?? throw new AlpacaException($"There is no run {id} in {_database.File}; `alpaca runs` lists them.");

    /// <summary>Marks the runs whose process died.</summary>
    /// <returns>How many there were.</returns>
    public int MarkInterrupted()
    {
        using var connection = _database.Open();
        var running = connection.Query(
            "SELECT id, process_id, process_started_at FROM runs WHERE outcome = $1",
            r => (Id: r.GetInt64(0), Process: new ProcessIdentity(r.GetInt32(1), Time(r.GetString(2)))),
            nameof(RunOutcome.Running));
        var died = running.Where(r => !r.Process.IsAlive()).ToList();
        foreach (var (id, _) in died)
        {
            connection.Execute("UPDATE stages SET outcome = $1 WHERE run_id = $2 AND outcome = $3", nameof(StageOutcome.Interrupted), id, nameof(StageOutcome.Running));
            connection.Execute(
                "UPDATE runs SET outcome = $1, error = $2 WHERE id = $3 AND outcome = $4",
                nameof(RunOutcome.Interrupted), "Its process ended before the run did.", id, nameof(RunOutcome.Running));
        }

        return died.Count;
    }

    internal long Start(string pipeline, string trigger, DateTimeOffset now)
    {
        using var connection = _database.Open();
        return (long)connection.Scalar(
            "INSERT INTO runs (pipeline, trigger, outcome, started_at, process_id, process_started_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            pipeline, trigger, nameof(RunOutcome.Running), Text(now), ProcessIdentity.Current.Id, Text(ProcessIdentity.Current.StartedAt))!;
    }

    internal void Finish(long id, RunOutcome outcome, string? error, DateTimeOffset now)
    {
        using var connection = _database.Open();
        connection.Execute("UPDATE runs SET outcome = $1, error = $2, finished_at = $3 WHERE id = $4", outcome.ToString(), error, Text(now), id);
    }

    /// <summary>Writes the state of a run's stage; the same position again replaces it.</summary>
    internal void Save(long runId, int ordinal, StageRecord stage)
    {
        using var connection = _database.Open();
        connection.Execute(
            $"INSERT OR REPLACE INTO stages (run_id, ordinal, {StageColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            runId, ordinal, stage.Name, stage.Uses, stage.Outcome.ToString(), stage.Reason, Text(stage.StartedAt), stage.FinishedAt is { } end ? Text(end) : null,
            JsonSerializer.Serialize(stage.Metrics, MetricsJson), stage.Error, stage.ArtifactKind, stage.ArtifactFolder);
    }

    private static List<StageRecord> StagesOf(SqliteConnection connection, long runId)
        => connection.Query($"SELECT {StageColumns} FROM stages WHERE run_id = $1 ORDER BY ordinal", ReadStage, runId);

    private static RunRecord ReadRun(SqliteDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), Enum.Parse<RunOutcome>(row.GetString(3)), Time(row.GetString(4)), OptionalTime(row, 5), OptionalText(row, 6), []);

    private static StageRecord ReadStage(SqliteDataReader row) => new(
        row.GetString(0), row.GetString(1), Enum.Parse<StageOutcome>(row.GetString(2)), row.GetString(3), Time(row.GetString(4)), OptionalTime(row, 5),
        JsonSerializer.Deserialize<Dictionary<string, double>>(row.GetString(6), MetricsJson)!, OptionalText(row, 7), row.GetString(8), OptionalText(row, 9));

    private static string? OptionalText(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? OptionalTime(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : Time(row.GetString(column));

    private static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
}
