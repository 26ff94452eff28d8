namespace Alpaca.Formats;

/// <summary>Counts what was written of each tensor, so that a checkpoint with a gap is never published.</summary>
internal sealed class WriteLedger
{
    private readonly Dictionary<string, int> _indices;
    private readonly IReadOnlyList<TensorInfo> _tensors;
    private readonly long[] _written;

    public WriteLedger(IReadOnlyList<TensorInfo> tensors)
    {
        _tensors = tensors;
        _indices = new Dictionary<string, int>(tensors.Count, StringComparer.Ordinal);
        _written = new long[tensors.Count];
        for (var i = 0; i < tensors.Count; i++)
        {
            if (!_indices.TryAdd(tensors[i].Name, i))
            {
                throw new ArgumentException($"The tensor {tensors[i].Name} is listed twice.", nameof(tensors));
            }
        }
    }

    /// <summary>Notes a part and returns the tensor's index.</summary>
    public int Note(string name, long byteOffset, int length)
    {
        var index = Find(name, byteOffset, length);
        Interlocked.Add(ref _written[index], length);
        return index;
    }

    /// <summary>The index of the tensor that has such a part.</summary>
    public int Find(string name, long byteOffset, int length)
    {
        if (!_indices.TryGetValue(name, out var index))
        {
            throw new ArgumentException($"The tensor {name} was not announced.", nameof(name));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(byteOffset, _tensors[index].ByteLength - length);
        return index;
    }

    public void ThrowIfIncomplete()
    {
        for (var i = 0; i < _written.Length; i++)
        {
            if (_written[i] != _tensors[i].ByteLength)
            {
                throw new InvalidOperationException($"{_written[i]} of {_tensors[i].ByteLength} bytes of the tensor {_tensors[i].Name} were written.");
            }
        }
    }
}
