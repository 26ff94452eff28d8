using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Alpaca.Abstractions;
using Microsoft.Data.Sqlite;

namespace Alpaca.Host;

/// <summary>Tells failures that may pass by themselves (network, disk, a lock) from those that come again (bad data, wrong configuration).</summary>
internal static class TransientFailure
{
    private const int SqliteBusy = 5, SqliteLocked = 6, SqliteFull = 13, SqliteInputOutput = 10;

    /// <summary>Whether trying again later may help. What an exception was made from counts, too: messages for users wrap what the system said.</summary>
    public static bool Is(Exception? exception) => exception switch
    {
        null => false,
        AlpacaException { IsTransient: true } => true,
        FileNotFoundException or DirectoryNotFoundException or DriveNotFoundException or PathTooLongException or EndOfStreamException or InvalidDataException => false,
        HttpRequestException { StatusCode: >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError and not (HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests) } => false,
        IOException or TimeoutException or HttpRequestException or SocketException => true,
        SqliteException e when e.SqliteErrorCode is SqliteBusy or SqliteLocked or SqliteFull or SqliteInputOutput => true,
        DbException { IsTransient: true } => true, // PostgreSQL's connection is gone, or it restarts
        AggregateException e => e.InnerExceptions.All(Is),
        _ => Is(exception.InnerException),
    };
}
