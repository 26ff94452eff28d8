using System.Data.Common;
using Alpaca.Abstractions;
using Npgsql;

namespace Alpaca.Host;

/// <summary>A PostgreSQL database that several machines share.</summary>
public sealed class PostgresRunDatabase : RunDatabase
{
    private const long SchemaVersion = 1;

    // So that of two machines that start together one makes the tables: any number that nobody else uses.
    private const long CreationLock = 0x616c70616361;

    private const string Tables = """
        CREATE TABLE schema_version (version BIGINT NOT NULL);
        INSERT INTO schema_version VALUES (1);
        CREATE TABLE runs (
            id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pipeline TEXT NOT NULL, trigger TEXT NOT NULL, outcome TEXT NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, error TEXT, process_id INTEGER NOT NULL, process_started_at TEXT NOT NULL, verdict TEXT, machine TEXT);
        CREATE TABLE stages (
            run_id BIGINT NOT NULL REFERENCES runs (id), ordinal INTEGER NOT NULL, name TEXT NOT NULL, uses TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, metrics TEXT NOT NULL, error TEXT, artifact_kind TEXT NOT NULL, artifact_folder TEXT, PRIMARY KEY (run_id, ordinal));
        CREATE TABLE digests (path TEXT PRIMARY KEY, size BIGINT NOT NULL, modified BIGINT NOT NULL, sha256 TEXT NOT NULL);
        """;

    private readonly string _connection;
    private readonly string _schema;

    /// <summary>Names the database; nothing is touched before the first use.</summary>
    /// <param name="connection">How to reach it. Without <c>Search Path</c>, the tables are in a schema <c>alpaca</c>.</param>
    public PostgresRunDatabase(NpgsqlConnectionStringBuilder connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _connection = connection.ConnectionString;
        _schema = connection.SearchPath!;
        Name = $"{connection.Database ?? connection.Username} on {connection.Host}";
    }

    /// <inheritdoc />
    public override string Name { get; }

    private protected override DbConnection Connect()
    {
        var connection = new NpgsqlConnection(_connection);
        connection.Open();
        return connection;
    }

    private protected override void Create()
    {
        using var connection = (NpgsqlConnection)Connect();
        using var transaction = connection.BeginTransaction();
        connection.Execute("SELECT pg_advisory_xact_lock($1)", CreationLock);
        connection.Execute($"CREATE SCHEMA IF NOT EXISTS {new NpgsqlCommandBuilder().QuoteIdentifier(_schema)}");
        if (connection.Scalar("SELECT to_regclass('schema_version')::text") is null or DBNull) connection.Execute(Tables);
        if ((long)connection.Scalar("SELECT max(version) FROM schema_version")! > SchemaVersion) throw TooNew();
        transaction.Commit();
    }

    private protected override AlpacaException Failure(Exception cause)
        => new($"The database {Name} of Scheduler:ConnectionString cannot be used ({cause.Message.TrimEnd('.')}); see that the server runs, and that the user may connect to it and create tables.", cause);
}
