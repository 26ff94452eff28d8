using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>The thread on which a decoder runs, and the order in which it does its work.</summary>
/// <remarks>
/// Each round takes in what has arrived, first come first served, reads a bounded part of the prompts, and does one step of decoding for all sequences that are that far. libtorch's thread pool belongs to the thread that calls it, and dispose
/// scopes are a matter of threads too, so the decoder is created, used and disposed here.
/// </remarks>
internal sealed class DecoderLoop : IDisposable
{
    /// <summary>Prompt positions that are read between two steps of decoding; the prompt that crosses it gets its chunk.</summary>
    private const int ReadBudget = 256;

    private readonly Lock _gate = new();
    private readonly AutoResetEvent _arrival = new(false);
    private readonly Queue<SlotSequence> _arrived = [];
    private readonly Queue<EmbeddingTask> _embeddings = [];
    private readonly List<SlotSequence> _reading = []; // in slots, prompt not read to its end; the first come first
    private readonly List<(int? Adapter, int First, int Count)> _groups = [];
    private readonly Thread _thread;
    private readonly bool _reusePrefixes;
    private IDecoder _decoder = null!;
    private SlotTable _slots = null!;
    private int[] _ids = [];
    private int[] _positions = [];
    private bool _isEnding;

    private DecoderLoop(Func<IDecoder> load, bool reusePrefixes, TaskCompletionSource loaded)
    {
        _reusePrefixes = reusePrefixes;
        _thread = new Thread(() => Run(load, loaded)) { IsBackground = true, Name = "decoder" };
    }

    public int VocabularySize { get; private set; }

    public int ContextLength { get; private set; }

    public IReadOnlyList<string> Adapters { get; private set; } = [];

    /// <summary>What the samplers of all sequences share, since they choose on this thread.</summary>
    public SamplingBuffers SamplingBuffers { get; } = new();

    /// <summary>Starts the thread and loads the decoder there.</summary>
    public static async Task<DecoderLoop> StartAsync(Func<IDecoder> load, bool reusePrefixes)
    {
        var loaded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var loop = new DecoderLoop(load, reusePrefixes, loaded);
        loop._thread.Start();
        await loaded.Task.ConfigureAwait(false);
        return loop;
    }

    /// <summary>Lets a sequence join at the next round in which a slot is free.</summary>
    /// <exception cref="ObjectDisposedException">The loop has been ended.</exception>
    public void Add(SlotSequence sequence) => Enqueue(_arrived, sequence);

    /// <summary>Computes an embedding between two rounds.</summary>
    /// <exception cref="ObjectDisposedException">The loop has been ended.</exception>
    public void Add(EmbeddingTask task) => Enqueue(_embeddings, task);

    /// <summary>Ends what still runs, and the thread.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isEnding) return;
            _isEnding = true;
        }

        _arrival.Set();
        _thread.Join();
        _arrival.Dispose();
    }

    private void Enqueue<T>(Queue<T> queue, T item)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isEnding, typeof(ITextGenerator));
            queue.Enqueue(item);
            _arrival.Set();
        }
    }

    private T? Dequeue<T>(Queue<T> queue)
    {
        lock (_gate) return queue.TryDequeue(out var item) ? item : default;
    }

    private void Run(Func<IDecoder> load, TaskCompletionSource loaded)
    {
        try
        {
            _decoder = load();
            (VocabularySize, ContextLength, Adapters) = (_decoder.VocabularySize, _decoder.ContextLength, _decoder.Adapters);
            _slots = new SlotTable(_decoder, _reusePrefixes);
            (_ids, _positions) = (new int[_decoder.Slots], new int[_decoder.Slots]);
        }
        catch (Exception e)
        {
            loaded.SetException(e);
            return;
        }

        using (_decoder)
        {
            loaded.SetResult();
            while (Wait()) Round();
            EndAll(new ObjectDisposedException(nameof(ITextGenerator), "The model was unloaded before the answer was complete."));
        }
    }

    /// <summary>Waits until there is something to do.</summary>
    /// <returns>Whether the loop goes on.</returns>
    private bool Wait()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_isEnding) return false;
                if (_arrived.Count > 0 || _embeddings.Count > 0 || _slots.Count > 0) return true;
            }

            _arrival.WaitOne();
        }
    }

    private void Round()
    {
        try
        {
            // One a round: an embedding is a whole pass, and the others wait for it.
            Dequeue(_embeddings)?.Run(_decoder, _slots.Spare);
            EndUnwanted();
            Admit();
            Read();
            Decode();
        }
        catch (Exception e)
        {
            // Outside the passes of single sequences only the exchange of slots can fail, and then nobody knows what any slot holds.
            EndRunning(e);
            _slots.Clear();
        }
    }

    private void EndUnwanted()
    {
        foreach (var slot in _slots.Slots)
        {
            if (slot.Sequence is { IsWanted: false } unwanted) End(unwanted);
        }
    }

    private void Admit()
    {
        while (_slots.HasRoom && Dequeue(_arrived) is { } sequence)
        {
            if (!sequence.IsWanted)
            {
                sequence.End();
                continue;
            }

            _reading.Add(sequence);
            try
            {
                _slots.Place(sequence);
            }
            catch (Exception e)
            {
                End(sequence, e);
            }
        }
    }

    private void Read()
    {
        var budget = ReadBudget;
        for (var i = 0; i < _reading.Count && budget > 0;)
        {
            var sequence = _reading[i];
            if (!sequence.IsWanted)
            {
                End(sequence);
            }
            else if (Waits(i))
            {
                i++;
            }
            else
            {
                budget -= ReadChunk(sequence);
            }
        }
    }

    /// <summary>Whether a sequence that has read nothing yet waits for an earlier one that is about to read the same.</summary>
    private bool Waits(int index)
    {
        var sequence = _reading[index];
        if (sequence.HasBegun) return false;
        for (var i = 0; i < index; i++)
        {
            if (_slots.IsWorthWaiting(sequence, _reading[i])) return true;
        }

        return false;
    }

    /// <summary>Reads the next positions of a text.</summary>
    /// <returns>How many.</returns>
    private int ReadChunk(SlotSequence sequence)
    {
        var count = 0;
        try
        {
            if (!sequence.HasBegun) _slots.Improve(sequence);
            sequence.HasBegun = true;
            var slot = sequence.Slot!;
            var position = slot.Held.Count;
            var ids = sequence.Ids[position..];
            var isLast = ids.Length <= sequence.Chunk;
            if (!isLast) ids = ids[..sequence.Chunk];
            count = ids.Length;
            var logits = _decoder.Extend(slot.Index, position, ids, sequence.Adapter, sequence.Rows(isLast));
            slot.Held.AddRange(ids);
            if (!sequence.Take(logits, position, count)) End(sequence);
            else if (isLast) _reading.Remove(sequence);
        }
        catch (Exception e)
        {
            End(sequence, e);
        }

        return count;
    }

    private void Decode()
    {
        _slots.Gather(_groups);
        foreach (var (adapter, first, count) in _groups)
        {
            for (var i = 0; i < count; i++)
            {
                var ids = _slots.Slots[first + i].Sequence!.Ids;
                (_ids[i], _positions[i]) = (ids[^1], ids.Length - 1);
            }

            try
            {
                Step(adapter, first, 0, count);
            }
            catch (Exception e) when (count == 1)
            {
                End(_slots.Slots[first].Sequence!, e);
            }
            catch (Exception)
            {
                StepSingly(adapter, first, count);
            }
        }
    }

    /// <summary>After a pass has failed for several sequences together: it may be the fault of one, or they may be too many.</summary>
    private void StepSingly(int? adapter, int first, int count)
    {
        for (var i = 0; i < count; i++)
        {
            try
            {
                Step(adapter, first, i, 1);
            }
            catch (Exception e)
            {
                End(_slots.Slots[first + i].Sequence!, e);
            }
        }
    }

    private void Step(int? adapter, int first, int offset, int count)
    {
        var logits = _decoder.Step(first + offset, _ids.AsSpan(offset, count), _positions.AsSpan(offset, count), adapter);
        for (var i = offset; i < offset + count; i++)
        {
            var slot = _slots.Slots[first + i];
            var sequence = slot.Sequence!;
            slot.Held.Add(_ids[i]);
            try
            {
                if (!sequence.Take(logits.Slice((i - offset) * VocabularySize, VocabularySize), _positions[i], 1)) End(sequence);
            }
            catch (Exception e)
            {
                End(sequence, e);
            }
        }
    }

    private void End(SlotSequence sequence, Exception? error = null)
    {
        _reading.Remove(sequence);
        _slots.Remove(sequence, isDamaged: error is not null);
        sequence.End(error);
    }

    private void EndRunning(Exception reason)
    {
        foreach (var slot in _slots.Slots)
        {
            if (slot.Sequence is { } sequence) End(sequence, reason);
        }
    }

    private void EndAll(Exception reason)
    {
        EndRunning(reason);
        foreach (var sequence in _arrived) sequence.End(reason);
        foreach (var task in _embeddings) task.End(reason);
    }
}
