using Alpaca.Abstractions;
using Npgsql;

namespace Alpaca.Host;

/// <summary>Where schedules and waiting runs are kept.</summary>
internal enum SchedulerStore
{
    /// <summary>In memory: forgotten when the service ends, except that accepted drops are always made up for.</summary>
    Memory,

    /// <summary>In a SQLite file of the workspace, for one service.</summary>
    Sqlite,

    /// <summary>In a PostgreSQL database, for several services that share the work and a workspace folder.</summary>
    Postgres,
}

/// <summary>The configuration section <c>Scheduler</c>.</summary>
/// <param name="Store">Where schedules and waiting runs are kept. The default is <see cref="SchedulerStore.Sqlite"/>.</param>
/// <param name="MaxConcurrentRuns">How many runs outside execution groups go on at a time, 1 to 64. The default is 1: training takes the whole machine.</param>
/// <param name="RunsGpu">Whether this machine runs pipelines of the execution group <c>gpu</c>. The default is <see langword="true"/>.</param>
/// <param name="MisfireThreshold">How late a scheduled time still counts as on time, 1 s to a day. The default is a minute.</param>
/// <param name="Connection">How to reach the database of <see cref="SchedulerStore.Postgres"/>; otherwise <see langword="null"/>. Holds a password as a rule.</param>
internal sealed record SchedulerSettings(SchedulerStore Store, int MaxConcurrentRuns, bool RunsGpu, TimeSpan MisfireThreshold, NpgsqlConnectionStringBuilder? Connection)
{
    /// <summary>What holds where nothing is said.</summary>
    public static readonly SchedulerSettings Default = new(SchedulerStore.Sqlite, 1, true, TimeSpan.FromMinutes(1), null);

    /// <summary>The key of the connection string.</summary>
    public const string ConnectionKey = $"{Section}:{ConnectionString}";

    private const string Section = "Scheduler", ConnectionString = "ConnectionString";
    private const int MostConcurrentRuns = 64;

    /// <summary>Reads the section.</summary>
    /// <exception cref="AlpacaUsageException">A value cannot be used; one line for each.</exception>
    public static SchedulerSettings Read(AlpacaSettings settings)
    {
        var section = new SectionReader(settings, Section);
        var store = section.Choice("Store", Default.Store);
        var connection = ReadConnection(settings);
        if (store == SchedulerStore.Postgres && connection is null)
            section.Report(ConnectionString, $"must be a PostgreSQL connection string, such as 'Host=db;Database=alpaca;Username=alpaca', because {section.KeyOf("Store")} is Postgres.");
        return section.Checked(new SchedulerSettings(
            store,
            section.Whole("MaxConcurrentRuns", Default.MaxConcurrentRuns, 1, MostConcurrentRuns),
            section.Flag("RunsGpu", Default.RunsGpu),
            section.Seconds("MisfireSeconds", Default.MisfireThreshold, 1, 86400),
            connection));
    }

    /// <summary>How to reach the database that several machines share; <see langword="null"/> where none is shared or the text cannot be read.</summary>
    public static NpgsqlConnectionStringBuilder? ReadConnection(AlpacaSettings settings)
    {
        if (new SectionReader(settings, Section).Choice("Store", Default.Store) != SchedulerStore.Postgres) return null;
        try
        {
            var connection = new NpgsqlConnectionStringBuilder(settings.Configuration[ConnectionKey]) { ApplicationName = "alpaca" };
            connection.SearchPath ??= "alpaca";
            return connection.Host is null ? null : connection;
        }
        catch (ArgumentException)
        {
            return null; // Its message may show the password.
        }
    }
}
