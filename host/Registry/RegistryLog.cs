using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What the registry logs; ids from 240.</summary>
internal static partial class RegistryLog
{
    [LoggerMessage(240, LogLevel.Information, "Pipeline {Pipeline}: version {Version} is the champion now. {Reason}")]
    public static partial void VersionPromoted(this ILogger log, string pipeline, int version, string reason);

    [LoggerMessage(241, LogLevel.Warning, "Pipeline {Pipeline}: version {Version} is taken back. {Reason}")]
    public static partial void VersionTakenBack(this ILogger log, string pipeline, int version, string reason);

    [LoggerMessage(242, LogLevel.Information, "Pipeline {Pipeline}: rolled back, version {Version} is the champion again. {Reason}")]
    public static partial void RolledBack(this ILogger log, string pipeline, int version, string reason);

    [LoggerMessage(243, LogLevel.Information, "Pipeline {Pipeline}: version {Version} passed and waits to be promoted. {Reason}")]
    public static partial void VersionWaits(this ILogger log, string pipeline, int version, string reason);

    [LoggerMessage(245, LogLevel.Information, "Pipeline {Pipeline}: version {Version} is rejected. {Reason}")]
    public static partial void VersionFailed(this ILogger log, string pipeline, int version, string reason);
}
