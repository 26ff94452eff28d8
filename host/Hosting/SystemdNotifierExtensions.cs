using System.Net.Sockets;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Tells systemd what the service can do without.</summary>
internal static class SystemdNotifierExtensions
{
    /// <summary>Sends a state; where systemd cannot be reached, that is logged and nothing else.</summary>
    public static void TryNotify(this ISystemdNotifier notifier, ServiceState state, ILogger log)
    {
        try
        {
            notifier.Notify(state);
        }
        catch (SocketException e)
        {
            log.SystemdUnreachable(e.Message);
        }
    }
}
