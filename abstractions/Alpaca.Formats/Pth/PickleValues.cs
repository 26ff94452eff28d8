using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A dictionary as pickled: pairs in the order they were set.</summary>
internal sealed class PickleDictionary
{
    // Made with the first pair: one byte of a pickle makes a dictionary.
    private List<(object? Key, object? Value)>? _items;

    public IReadOnlyList<(object? Key, object? Value)> Items => _items ?? (IReadOnlyList<(object?, object?)>)[];

    public void Add(object? key, object? value) => (_items ??= []).Add((key, value));
}

/// <summary>A list as pickled. It may hold itself, so nothing ever walks it to the bottom.</summary>
internal sealed class PickleList
{
    private List<object?>? _items;

    public IReadOnlyList<object?> Items => _items ?? (IReadOnlyList<object?>)[];

    public void Add(object? item) => (_items ??= []).Add(item);
}

/// <summary>A tuple as pickled.</summary>
internal sealed class PickleTuple(object?[] items)
{
    // PyTorch's own limit on the number of dimensions.
    private const int MaxRank = 64;

    private long[]? _numbers;

    public object?[] Items => items;

    /// <summary>The items as a shape or strides, or <see langword="null"/> where they are none. One array however many tensors name this tuple.</summary>
    public long[]? Numbers => _numbers ??= items.Length <= MaxRank && Array.TrueForAll(items, item => item is long) ? [.. items.Select(item => (long)item!)] : null;
}

/// <summary>The few importable names that a weight file may use. Each stands for itself; nothing is ever imported or called.</summary>
internal enum PickleFunction
{
    OrderedDictionary,
    RebuildTensor,
    RebuildParameter,
}

/// <summary>A storage that the pickle refers to; its bytes are elsewhere in the file.</summary>
internal sealed record PickleStorage(string Key, DType DType, long ElementCount);

/// <summary>A tensor: a strided view of a storage.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>Whether the elements lie in row-major order without gaps.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected)
                {
                    return false;
                }

                expected *= Shape[i];
            }

            return true;
        }
    }

    /// <summary>Throws unless every element lies inside the storage.</summary>
    public void Check(string name, string path)
    {
        if (!TensorSize.TryGetByteLength(Shape, Storage.DType, out var bytes))
        {
            throw Malformed($"its shape is [{string.Join(", ", Shape)}]");
        }

        if (bytes == 0)
        {
            return;
        }

        Int128 last = Offset;
        for (var i = 0; i < Shape.Length; i++)
        {
            if (Strides[i] < 0)
            {
                throw Malformed($"its strides are [{string.Join(", ", Strides)}]");
            }

            last += (Int128)(Shape[i] - 1) * Strides[i];
        }

        if (Offset < 0 || last >= Storage.ElementCount)
        {
            throw Malformed($"it reaches beyond the {Storage.ElementCount} elements of its storage");
        }

        AlpacaException Malformed(string reason) => new($"{path} is damaged: the tensor {Printable.Of(name)} cannot be read, {reason}; get it again.");
    }
}
