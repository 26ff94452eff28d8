using System.Net.Sockets;
using System.Text;

namespace Alpaca.IntegrationTests;

/// <summary>What systemd has at the other end: a datagram socket, and what a service sent to it.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly List<string> _messages = [];

    public NotifySocket(string path)
    {
        Path = path;
        _socket.Bind(new UnixDomainSocketEndPoint(path));
    }

    public string Path { get; }

    /// <summary>What was sent so far, in order.</summary>
    public IReadOnlyList<string> Messages => _messages;

    /// <summary>Receives until something is so.</summary>
    public async Task UntilAsync(Func<IReadOnlyList<string>, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var buffer = new byte[4096];
        while (!condition(_messages))
        {
            try
            {
                var length = await _socket.ReceiveAsync(buffer, SocketFlags.None, limit.Token);
                _messages.Add(Encoding.UTF8.GetString(buffer, 0, length).TrimEnd('\n'));
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"What was waited for did not come; there was {string.Join(" | ", _messages)}");
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
