using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Alpaca.Host;

/// <summary>Commands with parameters <c>$1</c>, <c>$2</c>, ... in the order given, in the SQL that SQLite and PostgreSQL share.</summary>
internal static class DatabaseCommands
{
    public static int Execute(this DbConnection connection, string sql, params object?[] values)
    {
        using var command = connection.Command(sql, values);
        return command.ExecuteNonQuery();
    }

    public static object? Scalar(this DbConnection connection, string sql, params object?[] values)
    {
        using var command = connection.Command(sql, values);
        return command.ExecuteScalar();
    }

    public static List<T> Query<T>(this DbConnection connection, string sql, Func<DbDataReader, T> read, params object?[] values)
    {
        using var command = connection.Command(sql, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(read(reader));
        return rows;
    }

    private static DbCommand Command(this DbConnection connection, string sql, object?[] values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.CreateParameter();
            if (connection is SqliteConnection) parameter.ParameterName = $"${i + 1}"; // PostgreSQL counts those without a name.
            parameter.Value = values[i] ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }

        return command;
    }
}
