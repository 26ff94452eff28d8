using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Alpaca.Inference.Onnx;

/// <summary>How a packed matrix holds the scales of its blocks.</summary>
internal unsafe interface IScales
{
    /// <summary>Bytes of a scale.</summary>
    static abstract int Bytes { get; }

    /// <summary>Reads 8 scales.</summary>
    /// <param name="scales">Where a panel's scales of a block begin.</param>
    /// <param name="vector">Which 8 of them.</param>
    static abstract Vector256<float> Load(byte* scales, int vector);
}

/// <summary>Scales as ONNX stores them.</summary>
internal readonly unsafe struct Float32Scales : IScales
{
    /// <inheritdoc />
    public static int Bytes => sizeof(float);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* scales, int vector) => Vector256.Load((float*)scales + (8 * vector));
}

/// <summary>Scales whose lower halves are zero, without these: a tenth less to read.</summary>
internal readonly unsafe struct BFloat16Scales : IScales
{
    /// <inheritdoc />
    public static int Bytes => sizeof(ushort);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* scales, int vector)
    {
        var halves = Vector128.Load((ushort*)scales + (8 * vector));
        return (Avx2.ConvertToVector256Int32(halves) << 16).AsSingle();
    }
}
