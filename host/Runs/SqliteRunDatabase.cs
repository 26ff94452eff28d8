using System.Data.Common;
using Alpaca.Abstractions;
using Microsoft.Data.Sqlite;

namespace Alpaca.Host;

/// <summary>A SQLite file of the workspace.</summary>
public sealed class SqliteRunDatabase : RunDatabase
{
    private const long SchemaVersion = 3;

    private const string Schema = """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, trigger TEXT NOT NULL, outcome TEXT NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, error TEXT, process_id INTEGER NOT NULL, process_started_at TEXT NOT NULL, verdict TEXT, machine TEXT);
        CREATE TABLE stages (
            run_id INTEGER NOT NULL REFERENCES runs (id), ordinal INTEGER NOT NULL, name TEXT NOT NULL, uses TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, metrics TEXT NOT NULL, error TEXT, artifact_kind TEXT NOT NULL, artifact_folder TEXT, PRIMARY KEY (run_id, ordinal));
        CREATE TABLE digests (path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, sha256 TEXT NOT NULL);
        PRAGMA user_version = 3;
        """;

    // What to do to a database of version 1, 2, ...
    private static readonly string[] Migrations =
    [
        "ALTER TABLE runs ADD COLUMN verdict TEXT; PRAGMA user_version = 2",
        "ALTER TABLE runs ADD COLUMN machine TEXT; PRAGMA user_version = 3",
    ];

    private readonly string _connection;

    /// <summary>Names the file; nothing is touched before the first use.</summary>
    /// <param name="file">The database file; made with its folder where it does not exist.</param>
    public SqliteRunDatabase(string file)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(file);
        File = file;

        // Pooling would hold the file open after the last use; five seconds let another process finish its write.
        _connection = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 5 }.ToString();
    }

    /// <summary>The file of a configuration's workspace.</summary>
    public static string FileOf(AlpacaSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Path.Combine(settings.WorkspaceFolder, "runs.db");
    }

    /// <summary>The database file.</summary>
    public string File { get; }

    /// <inheritdoc />
    public override string Name => File;

    private protected override DbConnection Connect()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        return connection;
    }

    private protected override void Create()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(File))!);
        using var connection = (SqliteConnection)Connect();

        // Immediate, so that of two processes that meet an empty file the second waits and finds the tables.
        connection.Execute("PRAGMA journal_mode = WAL");
        using var transaction = connection.BeginTransaction(deferred: false);
        var version = (long)connection.Scalar("PRAGMA user_version")!;
        if (version > SchemaVersion) throw TooNew();
        if (version == 0) connection.Execute(Schema);
        else foreach (var migration in Migrations[(int)(version - 1)..]) connection.Execute(migration);
        transaction.Commit();
    }

    /// <inheritdoc />
    public override void Check()
    {
        SqliteFile.RequireWhole(File);
        base.Check();
    }

    private protected override AlpacaException Failure(Exception cause) => SqliteFile.IsDamage(cause)
        ? SqliteFile.Damaged(File, cause.Message, cause)
        : new AlpacaException($"The run database {File} cannot be used ({cause.Message}); choose a writable workspace with --workspace.", cause);
}
