using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A tensor that is made row by row.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Rows">Its rows; a vector has one element a row.</param>
/// <param name="RowBytes">The bytes of a row.</param>
/// <param name="BlockRows">Rows that belong together, such as those of a head; chunks are whole blocks.</param>
/// <param name="Process">Makes a chunk of it: reads, computes and writes.</param>
public sealed record RowTask(string Name, long Rows, int RowBytes, int BlockRows, Action<RowChunk> Process)
{
    /// <summary>A task over the rows of a tensor: its first dimension, or its elements when it has one dimension.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="blockRows">Rows that belong together.</param>
    /// <param name="process">Makes a chunk of it.</param>
    /// <exception cref="AlpacaException">A block of the tensor does not fit into memory.</exception>
    public static RowTask For(TensorInfo tensor, int blockRows, Action<RowChunk> process)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var rows = tensor.Shape.Count == 0 ? 1 : tensor.Shape[0];
        var rowBytes = rows == 0 ? 0 : tensor.ByteLength / rows;
        return rowBytes * blockRows <= RowPipeline.MaxBlockBytes
            ? new RowTask(tensor.Name, rows, (int)rowBytes, blockRows, process)
            : throw new AlpacaException($"The tensor {tensor.Name} has rows of {rowBytes} bytes, {blockRows} of which belong together: more than fits into memory.");
    }
}

/// <summary>A few rows of a tensor, to be made by one thread.</summary>
/// <param name="FirstRow">The first row.</param>
/// <param name="Rows">How many.</param>
/// <param name="Scratch">The thread's buffers.</param>
public readonly record struct RowChunk(long FirstRow, int Rows, RowScratch Scratch);

/// <summary>Buffers that a thread keeps from chunk to chunk.</summary>
public sealed class RowScratch
{
    private readonly Dictionary<(Type, int), Array> _buffers = [];
    private readonly Dictionary<int, (object Key, object Value)> _kept = [];

    /// <summary>A buffer; what was in it before is undefined.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <param name="slot">Tells buffers apart that are in use at the same time.</param>
    /// <param name="length">Its length.</param>
    public Span<T> Get<T>(int slot, int length) where T : unmanaged
    {
        if (!_buffers.TryGetValue((typeof(T), slot), out var buffer) || buffer.Length < length)
        {
            _buffers[(typeof(T), slot)] = buffer = GC.AllocateUninitializedArray<T>(length);
        }

        return ((T[])buffer).AsSpan(0, length);
    }

    /// <summary>Something that neighbouring chunks have in common, such as a matrix that belongs to the whole tensor; made when the key changes, forgotten then too.</summary>
    /// <typeparam name="T">What it is.</typeparam>
    /// <param name="slot">Tells things apart that are in use at the same time.</param>
    /// <param name="key">What it belongs to; compared by reference.</param>
    /// <param name="create">Makes it.</param>
    public T Keep<T>(int slot, object key, Func<T> create) where T : class
    {
        ArgumentNullException.ThrowIfNull(create);
        if (!_kept.TryGetValue(slot, out var kept) || !ReferenceEquals(kept.Key, key))
        {
            _kept.Remove(slot);
            _kept[slot] = kept = (key, create());
        }

        return (T)kept.Value;
    }
}

/// <summary>Makes tensors chunk by chunk on several threads, so that a model of any size passes through a few MB per thread.</summary>
/// <remarks>
/// Chunks are begun in order, which keeps reading and writing close to sequential. There are more threads than cores: while some wait for the disk, others compute. They are
/// threads of their own, because the pool takes seconds to notice that its threads are waiting.
/// </remarks>
public sealed class RowPipeline
{
    internal const long MaxBlockBytes = 256 << 20;

    /// <summary>Bytes of a chunk, unless a block is larger: large enough that a system call costs nothing, small enough to stay in the processor's cache.</summary>
    public const int ChunkBytes = 2 << 20;

    private readonly IProgressTask _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly int _threads;
    private readonly ConcurrentBag<RowScratch> _idle = [];
    private long _done;

    /// <summary>Creates a pipeline whose runs share buffers and count on in one progress.</summary>
    /// <param name="progress">Told the bytes made so far.</param>
    /// <param name="cancellationToken">Looked at between chunks.</param>
    /// <param name="threads">The most threads at work. The default is 0: <see cref="DefaultThreads"/>.</param>
    public RowPipeline(IProgressTask progress, CancellationToken cancellationToken, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(progress);
        _progress = progress;
        _cancellationToken = cancellationToken;
        _threads = threads > 0 ? threads : DefaultThreads;
    }

    /// <summary>Two more than there are cores.</summary>
    public static int DefaultThreads => Environment.ProcessorCount + 2;

    /// <summary>Runs the tasks of one pipeline; see <see cref="RowPipeline(IProgressTask, CancellationToken, int)"/> and <see cref="Run(IEnumerable{RowTask})"/>.</summary>
    public static void Run(IEnumerable<RowTask> tasks, IProgressTask progress, CancellationToken cancellationToken, int threads = 0) =>
        new RowPipeline(progress, cancellationToken, threads).Run(tasks);

    /// <summary>Runs the tasks on the calling thread and helpers until all are done.</summary>
    /// <param name="tasks">The tensors, in the order of the file.</param>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    /// <exception cref="AlpacaException">A task failed so; any other exception of a task is thrown as it is.</exception>
    public void Run(IEnumerable<RowTask> tasks)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        var chunks = new ConcurrentQueue<(RowTask Task, long FirstRow, int Rows)>(Split(tasks));
        var failures = new ConcurrentQueue<Exception>();
        var helpers = new Thread[Math.Min(_threads, chunks.Count) is var wanted and > 0 ? wanted - 1 : 0];
        for (var i = 0; i < helpers.Length; i++)
        {
            helpers[i] = new Thread(() => Work(chunks, failures)) { IsBackground = true, Name = nameof(RowPipeline) };
            helpers[i].Start();
        }

        Work(chunks, failures);
        Array.ForEach(helpers, helper => helper.Join());
        if (!failures.IsEmpty)
        {
            // One failure is enough to tell; the others are mostly its echo.
            ExceptionDispatchInfo.Throw(failures.FirstOrDefault(failure => failure is AlpacaException) ?? failures.First());
        }

        _cancellationToken.ThrowIfCancellationRequested();
    }

    private void Work(ConcurrentQueue<(RowTask Task, long FirstRow, int Rows)> chunks, ConcurrentQueue<Exception> failures)
    {
        var scratch = _idle.TryTake(out var idle) ? idle : new RowScratch();
        try
        {
            while (failures.IsEmpty && !_cancellationToken.IsCancellationRequested && chunks.TryDequeue(out var chunk))
            {
                chunk.Task.Process(new RowChunk(chunk.FirstRow, chunk.Rows, scratch));
                _progress.Report(Interlocked.Add(ref _done, (long)chunk.Rows * chunk.Task.RowBytes));
            }
        }
        catch (Exception e)
        {
            // Whatever it is, it belongs to the caller and not to this thread.
            failures.Enqueue(e);
        }

        _idle.Add(scratch);
    }

    private static IEnumerable<(RowTask Task, long FirstRow, int Rows)> Split(IEnumerable<RowTask> tasks)
    {
        foreach (var task in tasks)
        {
            var blockBytes = (long)task.RowBytes * task.BlockRows;
            var rows = (int)Math.Max(1, ChunkBytes / Math.Max(1, blockBytes)) * task.BlockRows;
            for (long first = 0; first < task.Rows; first += rows)
            {
                yield return (task, first, (int)Math.Min(rows, task.Rows - first));
            }
        }
    }
}
