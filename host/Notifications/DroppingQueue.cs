using System.Threading.Channels;

namespace Alpaca.Host;

/// <summary>A queue of so many items, which drops the oldest where there is no room. Several may add, one reads; nobody waits to add.</summary>
internal sealed class DroppingQueue<T>
{
    private readonly Channel<T> _channel;
    private int _hasTold;

    /// <param name="capacity">How many items it holds.</param>
    /// <param name="dropped">Told of each item that is dropped, and whether it is the first since the queue was empty: a receiver that is away for a day must not fill the log.</param>
    public DroppingQueue(int capacity, Action<T, bool> dropped) => _channel = Channel.CreateBounded<T>(
        new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
        item => dropped(item, Interlocked.Exchange(ref _hasTold, 1) == 0));

    /// <summary>The items, in order.</summary>
    public ChannelReader<T> Reader => _channel.Reader;

    /// <summary>Adds an item.</summary>
    /// <returns>Whether the queue was still open.</returns>
    public bool Add(T item)
    {
        if (Reader.Count == 0) Volatile.Write(ref _hasTold, 0);
        return _channel.Writer.TryWrite(item);
    }

    /// <summary>Takes in nothing more; what is there can still be read.</summary>
    public void Close() => _channel.Writer.TryComplete();
}
