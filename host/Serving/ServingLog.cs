using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What the server logs; ids from 220. Neither keys nor what is asked or answered.</summary>
internal static partial class ServingLog
{
    [LoggerMessage(220, LogLevel.Information, "Serving the model {Name} from {Folder} with {Backend}")]
    public static partial void ModelServed(this ILogger log, string name, string folder, string backend);

    [LoggerMessage(221, LogLevel.Warning, "There is no model to serve: Inference:Model is not set, and the default pipeline has made or promoted none")]
    public static partial void NoModelToServe(this ILogger log);

    [LoggerMessage(222, LogLevel.Error, "The model cannot be served: {Message}")]
    public static partial void ModelNotServed(this ILogger log, string message, Exception? exception);

    [LoggerMessage(223, LogLevel.Error, "A request failed: {Message}")]
    public static partial void RequestFailed(this ILogger log, string message, Exception? exception);

    [LoggerMessage(224, LogLevel.Debug, "{Path}: the client left before its answer was complete")]
    public static partial void ClientLeft(this ILogger log, string path);

    [LoggerMessage(225, LogLevel.Error, "The model to be served now cannot be loaded; {Name} from {Folder} goes on: {Message}")]
    public static partial void ModelKept(this ILogger log, string name, string folder, string message, Exception? exception);

    [LoggerMessage(227, LogLevel.Error, "The champion stays though it cannot be served, because the one before it cannot take its place: {Message}")]
    public static partial void NotRolledBack(this ILogger log, string message, Exception? exception);

    [LoggerMessage(226, LogLevel.Error, "The configuration was changed but cannot be used; what is served stays: {Message}")]
    public static partial void ConfigurationNotUsed(this ILogger log, string message);
}
