using System.Collections.Concurrent;

namespace Alpaca.Inference.Torch;

/// <summary>The thread on which all numerics of one model run, one piece of work at a time.</summary>
/// <remarks>
/// libtorch's thread pool (OpenMP) belongs to the thread that calls it: work that wanders over the threads of .NET's pool would start a set of native threads on each
/// of them, and sequences generated at the same time would fight for the cores. Here they take turns, token by token, each with all cores.
/// </remarks>
internal sealed class NumericsThread : IDisposable
{
    private readonly BlockingCollection<Action> _queue = [];
    private readonly Thread _thread;

    public NumericsThread()
    {
        _thread = new Thread(Work) { IsBackground = true, Name = "torch numerics" };
        _thread.Start();
    }

    /// <summary>Runs work there and waits for it.</summary>
    /// <returns>What it returned.</returns>
    /// <exception cref="ObjectDisposedException">The thread has been ended.</exception>
    public T Run<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>();
        try
        {
            _queue.Add(() =>
            {
                try
                {
                    completion.SetResult(work());
                }
                catch (Exception e)
                {
                    completion.SetException(e); // thrown on at the caller, as if it had run there
                }
            });
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(nameof(NumericsThread));
        }

        return completion.Task.GetAwaiter().GetResult();
    }

    /// <summary>Ends the thread after the work that is waiting.</summary>
    public void Dispose()
    {
        if (_queue.IsAddingCompleted) return;
        _queue.CompleteAdding();
        _thread.Join();
    }

    private void Work()
    {
        foreach (var work in _queue.GetConsumingEnumerable()) work();
    }
}
