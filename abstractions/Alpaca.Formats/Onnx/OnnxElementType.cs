namespace Alpaca.Formats;

/// <summary>How ONNX numbers element types (<c>TensorProto.DataType</c>).</summary>
internal static class OnnxElementType
{
    /// <summary>The element type of that number, or <see langword="null"/> for those this program has no use for (strings, complex, 8- and 4-bit floating point).</summary>
    public static DType? FromNumber(long number) => number switch
    {
        1 => DType.Float32,
        2 => DType.UInt8,
        3 => DType.Int8,
        5 => DType.Int16,
        6 => DType.Int32,
        7 => DType.Int64,
        9 => DType.Bool,
        10 => DType.Float16,
        11 => DType.Float64,
        16 => DType.BFloat16,
        _ => null,
    };
}
