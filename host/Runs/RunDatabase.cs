using System.Data.Common;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Where a workspace's run history and remembered content digests are. Safe to use from several threads and processes.</summary>
public abstract class RunDatabase
{
    private readonly Lock _creating = new();
    private bool _created;

    /// <summary>What to call it in a message.</summary>
    public abstract string Name { get; }

    /// <summary>The database that a configuration names: a file of the workspace, or, where several machines share the work, a PostgreSQL database.</summary>
    /// <param name="settings">The configuration; that it can be used is checked elsewhere.</param>
    public static RunDatabase Of(AlpacaSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return SchedulerSettings.ReadConnection(settings) is { } connection
            ? new PostgresRunDatabase(connection)
            : new SqliteRunDatabase(SqliteRunDatabase.FileOf(settings));
    }

    /// <summary>Makes the tables where there are none yet, and looks whether the database can be used.</summary>
    /// <exception cref="AlpacaException">It cannot be reached or made, is damaged, or is of a newer version.</exception>
    public virtual void Check() => Use(connection => connection.Scalar("SELECT 1"));

    /// <summary>Opens a connection, uses it, and closes it.</summary>
    /// <exception cref="AlpacaException">The database cannot be reached or made, is damaged, or is of a newer version.</exception>
    internal T Use<T>(Func<DbConnection, T> use)
    {
        try
        {
            lock (_creating)
            {
                if (!_created) Create();
                _created = true;
            }

            using var connection = Connect();
            return use(connection);
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            throw Failure(e);
        }
    }

    /// <inheritdoc cref="Use{T}"/>
    internal void Use(Action<DbConnection> use) => Use(connection =>
    {
        use(connection);
        return true;
    });

    /// <summary>Opens a connection.</summary>
    private protected abstract DbConnection Connect();

    /// <summary>Makes or updates the tables; of two processes that do so, the second waits and finds them.</summary>
    private protected abstract void Create();

    /// <summary>What to say of a failure.</summary>
    private protected abstract AlpacaException Failure(Exception cause);

    /// <summary>What to say of a schema that is not known.</summary>
    private protected AlpacaException TooNew() => new($"The run database {Name} was written by a newer version of alpaca; update this one or choose another workspace.");
}
