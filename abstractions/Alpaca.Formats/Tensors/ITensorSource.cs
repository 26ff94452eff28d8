namespace Alpaca.Formats;

/// <summary>A tensor as a file describes it.</summary>
/// <param name="Name">Its name, unique in its source.</param>
/// <param name="DType">Element type.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
public sealed record TensorInfo(string Name, DType DType, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>The bytes of the contiguous data.</summary>
    public long ByteLength => checked(ElementCount * DType.Size());
}

/// <summary>Named tensors in one or more files, read piece by piece; nothing is held in memory but what is asked for.</summary>
/// <remarks>Safe to read from several threads. Data is always contiguous, row-major and little-endian, whatever strides the file has.</remarks>
public interface ITensorSource : IDisposable
{
    /// <summary>The tensors, in the order of the file.</summary>
    IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>The tensor of that name, or <see langword="null"/>.</summary>
    TensorInfo? Find(string name);

    /// <summary>Copies a part of a tensor's contiguous data.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="byteOffset">Where the part begins, a multiple of the element size.</param>
    /// <param name="destination">Filled completely; a multiple of the element size.</param>
    void Read(TensorInfo tensor, long byteOffset, Span<byte> destination);
}
