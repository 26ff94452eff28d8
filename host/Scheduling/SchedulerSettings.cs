using System.Globalization;
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
    public const string ConnectionKey = "Scheduler:ConnectionString";

    private const int MostConcurrentRuns = 64;

    /// <summary>Reads the section.</summary>
    /// <exception cref="AlpacaUsageException">A value cannot be used; one line for each.</exception>
    public static SchedulerSettings Read(AlpacaSettings settings)
    {
        var section = settings.Configuration.GetSection("Scheduler");
        var errors = new List<string>();
        var (store, runs, gpu, misfire, connection) = Default;
        if (section["Store"] is { Length: > 0 } name && !EnumText.TryParse(name, out store))
            errors.Add($"Scheduler:Store is '{name}'; it must be {EnumText.Names<SchedulerStore>()}.");
        if (store == SchedulerStore.Postgres && (connection = ReadConnection(settings)) is null)
            errors.Add($"{ConnectionKey} must be a PostgreSQL connection string, such as 'Host=db;Database=alpaca;Username=alpaca', because Scheduler:Store is Postgres.");
        if (section["MaxConcurrentRuns"] is { Length: > 0 } count && !(int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out runs) && runs is >= 1 and <= MostConcurrentRuns))
            errors.Add($"Scheduler:MaxConcurrentRuns is '{count}'; it must be a whole number from 1 to {MostConcurrentRuns}.");
        if (section["RunsGpu"] is { Length: > 0 } flag && !bool.TryParse(flag, out gpu))
            errors.Add($"Scheduler:RunsGpu is '{flag}'; it must be true or false.");
        if (section["MisfireSeconds"] is { Length: > 0 } text)
        {
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= 86400) misfire = TimeSpan.FromSeconds(seconds);
            else errors.Add($"Scheduler:MisfireSeconds is '{text}'; it must be a number from 1 to 86400.");
        }

        return errors.Count == 0 ? new SchedulerSettings(store, runs, gpu, misfire, connection) : throw new AlpacaUsageException(string.Join('\n', errors));
    }

    /// <summary>How to reach the database that several machines share; <see langword="null"/> where none is shared or the text cannot be read.</summary>
    public static NpgsqlConnectionStringBuilder? ReadConnection(AlpacaSettings settings)
    {
        if (!EnumText.TryParse<SchedulerStore>(settings.Configuration["Scheduler:Store"] ?? "", out var store) || store != SchedulerStore.Postgres) return null;
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
