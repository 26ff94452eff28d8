using Npgsql;

namespace Alpaca.Host.Tests;

/// <summary>An empty run database of a kind, which is removed at the end.</summary>
internal sealed class TestDatabase : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly NpgsqlConnectionStringBuilder? _postgres;

    public TestDatabase(DatabaseKind kind)
    {
        if (kind == DatabaseKind.Sqlite) return;
        _postgres = new NpgsqlConnectionStringBuilder(TestPostgres.Connection) { Database = $"test_{Guid.NewGuid():n}", SearchPath = "alpaca", Pooling = false };
        Order($"CREATE DATABASE {_postgres.Database}");
    }

    /// <summary>Opens it anew, as another process would.</summary>
    public RunDatabase Open() => _postgres is null ? new SqliteRunDatabase(_folder.Combine("workspace", "runs.db")) : new PostgresRunDatabase(_postgres);

    /// <summary>Changes what is in it.</summary>
    public void Rewrite(string sql) => Open().Use(connection => connection.Execute(sql));

    public void Dispose()
    {
        if (_postgres is not null) Order($"DROP DATABASE {_postgres.Database} WITH (FORCE)");
        _folder.Dispose();
    }

    private static void Order(string sql)
    {
        using var connection = new NpgsqlConnection(TestPostgres.Connection);
        connection.Open();
        connection.Execute(sql);
    }
}

/// <summary>The kinds of run databases.</summary>
public enum DatabaseKind
{
    Sqlite,
    Postgres,
}
