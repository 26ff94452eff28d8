using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A dictionary as pickled: pairs in the order they were set.</summary>
internal sealed class PickleDictionary
{
    public List<(object? Key, object? Value)> Items { get; } = [];
}

/// <summary>A tuple as pickled.</summary>
internal sealed class PickleTuple(object?[] items)
{
    public object?[] Items => items;
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

    /// <summary>Throws unless every element lies inside the storage and the tensor is no larger than it.</summary>
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

        // Larger than its storage: an expanded tensor, which no checkpoint needs and which would let a small file ask for any amount of memory.
        if (Offset < 0 || last >= Storage.ElementCount || bytes / Storage.DType.Size() > Storage.ElementCount)
        {
            throw Malformed($"it reaches beyond the {Storage.ElementCount} elements of its storage");
        }

        AlpacaException Malformed(string reason) => new($"{path} is damaged: the tensor {name} cannot be read, {reason}; get it again.");
    }
}
