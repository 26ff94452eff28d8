using Alpaca.Abstractions;
using Microsoft.Data.Sqlite;

namespace Alpaca.Host;

/// <summary>The SQLite file of a workspace: run history and remembered content digests.</summary>
public sealed class RunDatabase
{
    private const long SchemaVersion = 1;

    private const string Schema = """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, trigger TEXT NOT NULL, outcome TEXT NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, error TEXT, process_id INTEGER NOT NULL, process_started_at TEXT NOT NULL);
        CREATE TABLE stages (
            run_id INTEGER NOT NULL REFERENCES runs (id), ordinal INTEGER NOT NULL, name TEXT NOT NULL, uses TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, metrics TEXT NOT NULL, error TEXT, artifact_kind TEXT NOT NULL, artifact_folder TEXT, PRIMARY KEY (run_id, ordinal));
        CREATE TABLE digests (path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, sha256 TEXT NOT NULL);
        PRAGMA user_version = 1;
        """;

    private readonly string _connection;
    private readonly Lock _creating = new();
    private bool _created;

    /// <summary>Names the file; nothing is touched before the first use.</summary>
    /// <param name="file">The database file; made with its folder where it does not exist.</param>
    public RunDatabase(string file)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(file);
        File = file;

        // Pooling would hold the file open after the last use; five seconds let another process finish its write.
        _connection = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 5 }.ToString();
    }

    /// <summary>The database file.</summary>
    public string File { get; }

    /// <summary>Opens a connection, which the caller disposes; creates the tables the first time.</summary>
    /// <exception cref="AlpacaException">The file cannot be made, or is of a newer version.</exception>
    public SqliteConnection Open()
    {
        try
        {
            lock (_creating)
            {
                if (!_created) Create();
                _created = true;
            }

            return Connect();
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The run database {File} cannot be used ({e.Message}); choose a writable workspace with --workspace.", e);
        }
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        return connection;
    }

    private void Create()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(File))!);
        using var connection = Connect();

        // Immediate, so that of two processes that meet an empty file the second waits and finds the tables.
        connection.Execute("PRAGMA journal_mode = WAL");
        using var transaction = connection.BeginTransaction(deferred: false);
        var version = (long)connection.Scalar("PRAGMA user_version")!;
        if (version > SchemaVersion) throw new AlpacaException($"The run database {File} was written by a newer version of alpaca; update this one or choose another workspace.");
        if (version == 0) connection.Execute(Schema);
        transaction.Commit();
    }
}
