using System.Net.Sockets;
using Microsoft.Extensions.Hosting.Systemd;

namespace Alpaca.Host.Tests;

/// <summary>Keeps what would be sent to systemd.</summary>
internal sealed class RecordingNotifier : ISystemdNotifier
{
    private readonly List<string> _sent = [];

    public IReadOnlyList<string> Sent
    {
        get
        {
            lock (_sent) return [.. _sent];
        }
    }

    public bool IsEnabled => true;

    /// <summary>Whether there is nobody at the other end.</summary>
    public bool IsUnreachable { get; set; }

    public void Notify(ServiceState state)
    {
        if (IsUnreachable) throw new SocketException((int)SocketError.ConnectionRefused);
        lock (_sent) _sent.Add(state.ToString());
    }
}
