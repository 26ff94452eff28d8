using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Tensors that are views of storages in a file. Shared by both PyTorch formats.</summary>
internal sealed class StridedTensors : ITensorSource
{
    // Several tensors may show one storage, and a tensor may show an element many times. All together may be this much larger than the file, and small files anything
    // small; beyond that a short file would ask for any amount of time and memory.
    private const long MaxUnfolding = 16;
    private const long MaxUnfoldedAnyway = 16 << 20;

    private readonly ReadOnlyFile _file;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly List<TensorInfo> _tensors = [];

    /// <summary>Takes the named tensors out of a pickled dictionary.</summary>
    /// <param name="file">The file; owned.</param>
    /// <param name="root">The pickle's value.</param>
    /// <param name="locate">Gives the file offset of a storage's bytes and throws when they are not all there.</param>
    public StridedTensors(ReadOnlyFile file, object? root, Func<PickleStorage, long> locate)
    {
        _file = file;
        if (root is not PickleDictionary dictionary)
        {
            throw new AlpacaException($"{file.Path} does not hold a dictionary of tensors; save the model's state_dict with torch.save.");
        }

        var offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        Int128 total = 0;
        foreach (var (key, value) in dictionary.Items)
        {
            // Beside tensors a checkpoint may hold numbers such as the step; they are no concern of a reader of weights.
            if (key is string name && value is PickleTensor tensor)
            {
                tensor.Check(name, file.Path);
                if (!offsets.TryGetValue(tensor.Storage.Key, out var offset))
                {
                    offsets.Add(tensor.Storage.Key, offset = locate(tensor.Storage));
                }

                var info = new TensorInfo(name, tensor.Storage.DType, tensor.Shape);
                if (!_entries.TryAdd(name, new Entry(info, tensor, offset)))
                {
                    throw new AlpacaException($"{file.Path} is damaged: it holds the tensor {Printable.Of(name)} twice; get it again.");
                }

                _tensors.Add(info);
                total += info.ByteLength;
            }
        }

        if (_tensors.Count == 0)
        {
            throw new AlpacaException($"{file.Path} holds no tensors under plain names; save the model's state_dict with torch.save.");
        }

        if (total > ((Int128)MaxUnfolding * file.Length) + MaxUnfoldedAnyway)
        {
            throw new AlpacaException(
                $"{file.Path} is not loaded: its tensors show the same data over and over, {total} bytes in all and more than {MaxUnfolding} times its size; save clones of the tensors instead of expanded ones.");
        }
    }

    public IReadOnlyList<TensorInfo> Tensors => _tensors;

    public TensorInfo? Find(string name) => _entries.TryGetValue(name, out var entry) ? entry.Info : null;

    public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!_entries.TryGetValue(tensor.Name, out var entry))
        {
            throw new ArgumentException($"There is no tensor {tensor.Name}.", nameof(tensor));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(byteOffset, entry.Info.ByteLength - destination.Length);
        if (entry.View.IsContiguous)
        {
            _file.ReadExactly(entry.StorageOffset + (entry.View.Offset * tensor.DType.Size()) + byteOffset, destination);
        }
        else
        {
            StridedReader.Read(_file, entry.StorageOffset, entry.View, byteOffset, destination);
        }
    }

    public void Dispose() => _file.Dispose();

    private sealed record Entry(TensorInfo Info, PickleTensor View, long StorageOffset);
}
