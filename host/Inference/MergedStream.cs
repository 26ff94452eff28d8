using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Alpaca.Host;

/// <summary>Several streams, read at the same time as one.</summary>
internal static class MergedStream
{
    /// <summary>Reads all streams until each has ended.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="stream">Makes the stream of an index; it has to end with the token.</param>
    /// <param name="cancellationToken">Ends all of them.</param>
    /// <returns>What they yield, as it comes. An error of one ends all and is thrown; a reader who leaves ends all.</returns>
    public static IAsyncEnumerable<T> ReadAsync<T>(int count, Func<int, CancellationToken, IAsyncEnumerable<T>> stream, CancellationToken cancellationToken)
        => count == 1 ? stream(0, cancellationToken) : ReadAllAsync(count, stream, cancellationToken);

    private static async IAsyncEnumerable<T> ReadAllAsync<T>(int count, Func<int, CancellationToken, IAsyncEnumerable<T>> stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var items = Channel.CreateUnbounded<T>(new UnboundedChannelOptions { SingleReader = true });
        var all = Task.WhenAll(Enumerable.Range(0, count).Select(CopyAsync));
        var closing = all.ContinueWith(task => items.Writer.Complete(task.Exception?.InnerException), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            await foreach (var item in items.Reader.ReadAllAsync(CancellationToken.None)) yield return item;
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            await ending.CancelAsync();
            await closing; // the tasks use the source
        }

        async Task CopyAsync(int index)
        {
            try
            {
                await foreach (var item in stream(index, ending.Token)) items.Writer.TryWrite(item);
            }
            catch when (!ending.IsCancellationRequested)
            {
                await ending.CancelAsync(); // the others end too
                throw;
            }
            catch (OperationCanceledException)
            {
                // The reader has left, or another one failed and says why.
            }
        }
    }
}
