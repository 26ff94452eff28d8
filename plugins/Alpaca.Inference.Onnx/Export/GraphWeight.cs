namespace Alpaca.Inference.Onnx;

/// <summary>Weights of the graph and where their numbers come from: a matrix or vector that is made row by row, and stored as one initializer or, if quantised, as several.</summary>
/// <param name="Rows">Rows that are made.</param>
/// <param name="Columns">Numbers of a row.</param>
/// <param name="Parts">The initializers, each with as many rows.</param>
internal abstract record GraphWeight(long Rows, int Columns, IReadOnlyList<WeightPart> Parts)
{
    /// <summary>The name of the first part.</summary>
    public string Name => Parts[0].Name;

    /// <summary>A weight that is stored as it is made.</summary>
    /// <param name="Name">The initializer's name.</param>
    /// <param name="Type">float32, or float16 rounded to the nearest.</param>
    /// <param name="Shape">Its sizes as the graph wants them; rows are those of the last dimension.</param>
    internal abstract record Plain(string Name, OnnxType Type, IReadOnlyList<long> Shape)
        : GraphWeight(Shape.SkipLast(1).Aggregate(1L, (product, size) => checked(product * size)), checked((int)Shape[^1]), [new WeightPart(Name, Type, Shape)]);

    /// <summary>A tensor of the model, unchanged.</summary>
    internal sealed record Copy(string Name, OnnxType Type, IReadOnlyList<long> Shape, string Source) : Plain(Name, Type, Shape);

    /// <summary>A matrix of the model with rows and columns exchanged: PyTorch keeps linear layers as [out, in], MatMul multiplies by [in, out].</summary>
    internal sealed record Transpose(string Name, OnnxType Type, IReadOnlyList<long> Shape, string Source) : Plain(Name, Type, Shape);

    /// <summary>A matrix that is computed row by row.</summary>
    internal sealed record Table(string Name, OnnxType Type, IReadOnlyList<long> Shape, RowFunction Row) : Plain(Name, Type, Shape);

    /// <summary>A matrix [out, in] of the model, quantised: elements uint8 [out, blocks, bytes], scales [out, blocks] and, if not symmetric, zero points uint8 [out, bytes].</summary>
    /// <param name="Prefix">The beginning of the initializers' names.</param>
    /// <param name="Format">How it is stored.</param>
    /// <param name="ScaleType">float32 or float16: the type of what it is multiplied with.</param>
    /// <param name="Out">Rows.</param>
    /// <param name="In">Columns.</param>
    /// <param name="Source">The model's tensor.</param>
    internal sealed record Quantized(string Prefix, BlockFormat Format, OnnxType ScaleType, long Out, int In, string Source)
        : GraphWeight(Out, In, PartsOf(Prefix, Format, ScaleType, Out, In))
    {
        private static WeightPart[] PartsOf(string prefix, BlockFormat format, OnnxType scaleType, long rows, int columns) =>
        [
            new($"{prefix}_Q{format.Bits}", OnnxType.UInt8, [rows, format.Blocks(columns), format.BlockBytes]),
            new($"{prefix}_scales", scaleType, [rows, format.Blocks(columns)]),
            .. format.Symmetric ? Array.Empty<WeightPart>() : [new WeightPart($"{prefix}_zero_points", OnnxType.UInt8, [rows, format.ZeroPointBytes(columns)])],
        ];
    }

    /// <summary>Fills one row of a computed matrix.</summary>
    internal delegate void RowFunction(int row, Span<float> destination);
}

/// <summary>An initializer of the graph.</summary>
internal sealed record WeightPart(string Name, OnnxType Type, IReadOnlyList<long> Shape)
{
    /// <summary>The bytes in the data file.</summary>
    public long ByteLength => Shape.Aggregate((long)Type.Size(), (product, size) => checked(product * size));
}
