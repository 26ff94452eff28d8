namespace Alpaca.Inference.Onnx;

/// <summary>A float32 weight of the graph and where its numbers come from.</summary>
/// <param name="Name">The initializer's name.</param>
/// <param name="Shape">Its sizes as the graph wants them.</param>
internal abstract record GraphWeight(string Name, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>The bytes in the data file.</summary>
    public long ByteLength => checked(ElementCount * sizeof(float));

    /// <summary>A tensor of the model, unchanged.</summary>
    internal sealed record Copy(string Name, IReadOnlyList<long> Shape, string Source) : GraphWeight(Name, Shape);

    /// <summary>A matrix of the model with rows and columns exchanged: PyTorch keeps linear layers as [out, in], MatMul multiplies by [in, out].</summary>
    internal sealed record Transpose(string Name, IReadOnlyList<long> Shape, string Source) : GraphWeight(Name, Shape);

    /// <summary>A matrix that is computed row by row.</summary>
    internal sealed record Table(string Name, IReadOnlyList<long> Shape, RowFunction Row) : GraphWeight(Name, Shape);

    /// <summary>Fills one row of a computed matrix.</summary>
    internal delegate void RowFunction(int row, Span<float> destination);
}
