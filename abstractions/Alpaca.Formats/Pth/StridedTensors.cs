using System.IO.MemoryMappedFiles;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Tensors that are views of storages in a file. Shared by both PyTorch formats.</summary>
internal sealed class StridedTensors : ITensorSource
{
    private readonly ReadOnlyFile _file;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly List<TensorInfo> _tensors = [];
    private readonly Lazy<MemoryMappedFile> _mapping;

    /// <summary>Takes the named tensors out of a pickled dictionary.</summary>
    /// <param name="file">The file; owned.</param>
    /// <param name="root">The pickle's value.</param>
    /// <param name="locate">Gives the file offset of a storage's bytes and throws when they are not all there.</param>
    public StridedTensors(ReadOnlyFile file, object? root, Func<PickleStorage, long> locate)
    {
        _file = file;
        _mapping = new Lazy<MemoryMappedFile>(
            () => MemoryMappedFile.CreateFromFile(file.Path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read));
        if (root is not PickleDictionary dictionary)
        {
            throw new AlpacaException($"{file.Path} does not hold a dictionary of tensors; save the model's state_dict with torch.save.");
        }

        foreach (var (key, value) in dictionary.Items)
        {
            // Beside tensors a checkpoint may hold numbers such as the step; they are no concern of a reader of weights.
            if (key is string name && value is PickleTensor tensor)
            {
                tensor.Check(name, file.Path);
                var info = new TensorInfo(name, tensor.Storage.DType, tensor.Shape);
                if (!_entries.TryAdd(name, new Entry(info, tensor, locate(tensor.Storage))))
                {
                    throw new AlpacaException($"{file.Path} is damaged: it holds the tensor {name} twice; get it again.");
                }

                _tensors.Add(info);
            }
        }

        if (_tensors.Count == 0)
        {
            throw new AlpacaException($"{file.Path} holds no tensors under plain names; save the model's state_dict with torch.save.");
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
            Gather(entry, byteOffset, destination);
        }
    }

    public void Dispose()
    {
        if (_mapping.IsValueCreated)
        {
            _mapping.Value.Dispose();
        }

        _file.Dispose();
    }

    // Rare (transposed or sliced tensors saved as they were), and element by element, which only a mapping makes bearable.
    private unsafe void Gather(Entry entry, long byteOffset, Span<byte> destination)
    {
        var (shape, strides, size) = (entry.View.Shape, entry.View.Strides, entry.Info.DType.Size());
        if (byteOffset % size != 0 || destination.Length % size != 0)
        {
            throw new ArgumentException("The part does not begin and end between elements.", nameof(byteOffset));
        }

        var storage = entry.View.Storage;
        using var view = _mapping.Value.CreateViewAccessor(entry.StorageOffset, storage.ElementCount * size, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        try
        {
            var data = pointer + view.PointerOffset;
            var first = byteOffset / size;
            for (var i = 0; i < destination.Length / size; i++)
            {
                long rest = first + i, position = entry.View.Offset;
                for (var d = shape.Length - 1; d >= 0; d--)
                {
                    (rest, var index) = Math.DivRem(rest, shape[d]);
                    position += index * strides[d];
                }

                new ReadOnlySpan<byte>(data + (position * size), size).CopyTo(destination.Slice(i * size, size));
            }
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    private sealed record Entry(TensorInfo Info, PickleTensor View, long StorageOffset);
}
