using System.Net.Sockets;
using System.Text;

namespace Alpaca.IntegrationTests;

/// <summary>What systemd has at the other end: a datagram socket, and what a service sent to it.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _closed = new();
    private readonly List<string> _messages = [];
    private readonly Task _receiving;

    /// <summary>Receives from now on, as systemd does: a datagram socket holds few messages, and who sends one more to it waits.</summary>
    public NotifySocket(string path)
    {
        Path = path;
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        _receiving = Task.Run(ReceiveAsync);
    }

    public string Path { get; }

    /// <summary>What was sent so far, in order.</summary>
    public IReadOnlyList<string> Messages
    {
        get
        {
            lock (_messages) return [.. _messages];
        }
    }

    /// <summary>Waits until something is so.</summary>
    public async Task UntilAsync(Func<IReadOnlyList<string>, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!condition(Messages))
        {
            if (limit.IsCancellationRequested) throw new TimeoutException($"What was waited for did not come; there was {string.Join(" | ", Messages)}");
            if (_receiving.IsCompleted) await _receiving;
            await Task.Delay(20);
        }
    }

    public void Dispose()
    {
        _closed.Cancel();
        _receiving.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        _closed.Dispose();
        _socket.Dispose();
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[4096];
        while (true)
        {
            var length = await _socket.ReceiveAsync(buffer, SocketFlags.None, _closed.Token);
            lock (_messages) _messages.Add(Encoding.UTF8.GetString(buffer, 0, length).TrimEnd('\n'));
        }
    }
}
