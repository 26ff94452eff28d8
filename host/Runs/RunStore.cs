using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The history of a workspace's runs. Safe to use from several threads and processes.</summary>
public sealed class RunStore
{
    private const string RunColumns = "id, pipeline, trigger, outcome, started_at, finished_at, error, verdict, machine";
    private const string StageColumns = "name, uses, outcome, reason, started_at, finished_at, metrics, error, artifact_kind, artifact_folder";
    private static readonly string StageUpdate = string.Join(", ", StageColumns.Split(", ").Select(column => $"{column} = excluded.{column}"));
    private static readonly JsonSerializerOptions MetricsJson = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };
    private static readonly JsonSerializerOptions VerdictJson = new(MetricsJson) { Converters = { new JsonStringEnumConverter() } };

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
        return _database.Use(connection => connection
            .Query($"SELECT {RunColumns} FROM runs WHERE CAST($1 AS TEXT) IS NULL OR pipeline = $1 ORDER BY id DESC LIMIT $2", ReadRun, pipeline, limit)
            .ConvertAll(run => run with { Stages = StagesOf(connection, run.Id) }));
    }

    /// <summary>A run by its number, or <see langword="null"/>.</summary>
    public RunRecord? Find(long id)
    {
        MarkInterrupted();
        return _database.Use(connection => connection
            .Query($"SELECT {RunColumns} FROM runs WHERE id = $1", ReadRun, id)
            .Select(run => run with { Stages = StagesOf(connection, run.Id) }).FirstOrDefault());
    }

    /// <summary>A run by its number.</summary>
    /// <exception cref="AlpacaException">There is none.</exception>
    public RunRecord Get(long id) => Find(id) ?? throw new AlpacaException($"There is no run {id} in {_database.Name}; `alpaca runs` lists them.");

    /// <summary>Marks the runs of this machine whose process died. What another machine left is marked by whoever runs that pipeline next.</summary>
    /// <returns>How many there were.</returns>
    public int MarkInterrupted() => _database.Use(connection =>
    {
        var running = connection.Query(
            "SELECT id, process_id, process_started_at FROM runs WHERE outcome = $1 AND (machine = $2 OR machine IS NULL)",
            r => (Id: r.GetInt64(0), Process: new ProcessIdentity(r.GetInt32(1), Time(r.GetString(2)))),
            nameof(RunOutcome.Running), Environment.MachineName);
        var died = running.Where(r => !r.Process.IsAlive()).ToList();
        foreach (var (id, _) in died) MarkInterrupted(connection, id);
        return died.Count;
    });

    /// <summary>Marks what is left of a pipeline's runs. Only for the holder of the pipeline's lock: then none of them goes on, on whatever machine it was.</summary>
    internal void MarkInterrupted(string pipeline) => _database.Use(connection =>
    {
        foreach (var id in connection.Query("SELECT id FROM runs WHERE outcome = $1 AND pipeline = $2", r => r.GetInt64(0), nameof(RunOutcome.Running), pipeline)) MarkInterrupted(connection, id);
    });

    internal long Start(string pipeline, string trigger, DateTimeOffset now) => _database.Use(connection => (long)connection.Scalar(
        "INSERT INTO runs (pipeline, trigger, outcome, started_at, process_id, process_started_at, machine) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        pipeline, trigger, nameof(RunOutcome.Running), Text(now), ProcessIdentity.Current.Id, Text(ProcessIdentity.Current.StartedAt), Environment.MachineName)!);

    internal void Finish(long id, RunOutcome outcome, string? error, DateTimeOffset now, PromotionVerdict? verdict = null) => _database.Use(connection => connection.Execute(
        "UPDATE runs SET outcome = $1, error = $2, finished_at = $3, verdict = $4 WHERE id = $5",
        outcome.ToString(), error, Text(now), verdict is null ? null : JsonSerializer.Serialize(verdict, VerdictJson), id));

    /// <summary>Writes the state of a run's stage; the same position again replaces it.</summary>
    internal void Save(long runId, int ordinal, StageRecord stage) => _database.Use(connection => connection.Execute(
        $"""
        INSERT INTO stages (run_id, ordinal, {StageColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (run_id, ordinal) DO UPDATE SET {StageUpdate}
        """,
        runId, ordinal, stage.Name, stage.Uses, stage.Outcome.ToString(), stage.Reason, Text(stage.StartedAt), stage.FinishedAt is { } end ? Text(end) : null,
        JsonSerializer.Serialize(stage.Metrics, MetricsJson), stage.Error, stage.ArtifactKind, stage.ArtifactFolder));

    private static void MarkInterrupted(DbConnection connection, long id)
    {
        connection.Execute("UPDATE stages SET outcome = $1 WHERE run_id = $2 AND outcome = $3", nameof(StageOutcome.Interrupted), id, nameof(StageOutcome.Running));
        connection.Execute(
            "UPDATE runs SET outcome = $1, error = $2 WHERE id = $3 AND outcome = $4",
            nameof(RunOutcome.Interrupted), "Its process ended before the run did.", id, nameof(RunOutcome.Running));
    }

    private static List<StageRecord> StagesOf(DbConnection connection, long runId)
        => connection.Query($"SELECT {StageColumns} FROM stages WHERE run_id = $1 ORDER BY ordinal", ReadStage, runId);

    private static RunRecord ReadRun(DbDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), Enum.Parse<RunOutcome>(row.GetString(3)), Time(row.GetString(4)), OptionalTime(row, 5), OptionalText(row, 6), [])
    {
        Machine = OptionalText(row, 8),
        Verdict = OptionalText(row, 7) is { } verdict ? JsonSerializer.Deserialize<PromotionVerdict>(verdict, VerdictJson) : null,
    };

    private static StageRecord ReadStage(DbDataReader row) => new(
        row.GetString(0), row.GetString(1), Enum.Parse<StageOutcome>(row.GetString(2)), row.GetString(3), Time(row.GetString(4)), OptionalTime(row, 5),
        JsonSerializer.Deserialize<Dictionary<string, double>>(row.GetString(6), MetricsJson)!, OptionalText(row, 7), row.GetString(8), OptionalText(row, 9));

    private static string? OptionalText(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? OptionalTime(DbDataReader row, int column) => row.IsDBNull(column) ? null : Time(row.GetString(column));

    private static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
}
