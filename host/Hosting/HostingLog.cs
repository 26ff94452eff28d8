using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What is logged about the service manager; ids from 290.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(290, LogLevel.Error, "The scheduler has ended, though nobody stopped the service: systemd gets no more signs of life and starts the service again within {Seconds} s")]
    public static partial void WatchdogSilent(this ILogger log, double seconds);

    [LoggerMessage(291, LogLevel.Warning, "systemd cannot be told how the service is: {Reason}")]
    public static partial void SystemdUnreachable(this ILogger log, string reason);
}
