using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Data.Sqlite;

namespace Alpaca.Host;

/// <summary>A SQLite file that may be damaged. Nothing but <see cref="SetAside"/> touches a damaged one.</summary>
internal static class SqliteFile
{
    private const int Corrupt = 11, NotADatabase = 26;

    // What SQLite keeps beside a file: without them the copy may not be what the file was.
    private static readonly string[] Companions = ["", "-wal", "-shm", "-journal"];

    /// <summary>Whether a failure comes from a file that is damaged, and not from the disk or another process.</summary>
    public static bool IsDamage(Exception failure) => failure is SqliteException { SqliteErrorCode: Corrupt or NotADatabase };

    /// <summary>What to say of a damaged file.</summary>
    public static AlpacaException Damaged(string file, string why, Exception? cause = null)
        => new($"The database {file} is damaged ({why.TrimEnd('.')}); restore it from a backup, or let `alpaca runs --start-fresh` set it aside and begin a new one. Models and drops are not in it.", cause);

    /// <summary>Looks through a file, if it is there.</summary>
    /// <returns>What is damaged, or <see langword="null"/>.</returns>
    /// <exception cref="AlpacaException">It cannot be opened.</exception>
    public static string? DamageOf(string file)
    {
        if (!File.Exists(file)) return null;
        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 30 }.ToString());
            connection.Open();
            var found = connection.Query("PRAGMA quick_check(1)", row => row.GetString(0));
            return found is ["ok"] ? null : found[0].ReplaceLineEndings(" ");
        }
        catch (SqliteException e)
        {
            return IsDamage(e) ? e.Message : throw new AlpacaException($"The database {file} cannot be used ({e.Message}); make it writable for the user that runs alpaca.", e);
        }
    }

    /// <summary>Looks through a file, if it is there.</summary>
    /// <exception cref="AlpacaException">It is damaged or cannot be opened.</exception>
    public static void RequireWhole(string file)
    {
        if (DamageOf(file) is { } damage) throw Damaged(file, damage);
    }

    /// <summary>Renames a file and what belongs to it, so that the next use makes a new one.</summary>
    /// <returns>Its new name, or <see langword="null"/> where there is no such file.</returns>
    public static string? SetAside(string file, DateTimeOffset now)
    {
        if (!File.Exists(file)) return null;
        var aside = $"{file}.set-aside-{now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        foreach (var companion in Companions.Where(companion => File.Exists(file + companion))) Rename.File(file + companion, aside + companion);
        return aside;
    }
}
