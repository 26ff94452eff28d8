namespace Alpaca.Formats;

/// <summary>Element types of stored tensors.</summary>
public enum DType
{
    /// <summary>16-bit IEEE floating point.</summary>
    Float16,

    /// <summary>16-bit brain floating point.</summary>
    BFloat16,

    /// <summary>32-bit IEEE floating point.</summary>
    Float32,

    /// <summary>64-bit IEEE floating point.</summary>
    Float64,

    /// <summary>8-bit signed integer.</summary>
    Int8,

    /// <summary>8-bit unsigned integer.</summary>
    UInt8,

    /// <summary>16-bit signed integer.</summary>
    Int16,

    /// <summary>32-bit signed integer.</summary>
    Int32,

    /// <summary>64-bit signed integer.</summary>
    Int64,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}

/// <summary>What is fixed about each <see cref="DType"/>.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes per element.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Float16 or DType.BFloat16 or DType.Int16 => 2,
        DType.Float32 or DType.Int32 => 4,
        DType.Float64 or DType.Int64 => 8,
        DType.Int8 or DType.UInt8 or DType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    /// <summary>PyTorch's name without the prefix: <c>float16</c>, <c>bfloat16</c>, <c>int64</c>.</summary>
    public static string TorchName(this DType dtype) => dtype.ToString().ToLowerInvariant();

    /// <summary>safetensors' name: <c>F16</c>, <c>BF16</c>, <c>I64</c>.</summary>
    public static string SafetensorsName(this DType dtype) => dtype switch
    {
        DType.Float16 => "F16",
        DType.BFloat16 => "BF16",
        DType.Float32 => "F32",
        DType.Float64 => "F64",
        DType.Int8 => "I8",
        DType.UInt8 => "U8",
        DType.Int16 => "I16",
        DType.Int32 => "I32",
        DType.Int64 => "I64",
        DType.Bool => "BOOL",
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };
}
