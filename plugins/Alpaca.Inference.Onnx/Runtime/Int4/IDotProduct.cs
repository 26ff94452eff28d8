using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Alpaca.Inference.Onnx;

/// <summary>How a processor adds up products of 8-bit integers: 8 sums side by side, each of 4 neighbouring products.</summary>
/// <remarks>A sum goes through <see cref="Begin"/>, at most 8 times <see cref="Add"/> and <see cref="End"/>, and again. Weights are from 0 to 15 and activations from -127 to 127.</remarks>
internal interface IDotProduct
{
    /// <summary>Goes on with sums.</summary>
    static abstract Vector256<int> Begin(Vector256<int> sums);

    /// <summary>Adds products to sums that are under way.</summary>
    static abstract Vector256<int> Add(Vector256<int> underWay, Vector256<byte> weights, Vector256<sbyte> activations);

    /// <summary>Gives the sums.</summary>
    /// <param name="underWay">What <see cref="Add"/> gave.</param>
    /// <param name="sums">What <see cref="Begin"/> was given.</param>
    static abstract Vector256<int> End(Vector256<int> underWay, Vector256<int> sums);
}

/// <summary>Multiplies and adds in one instruction (VPDPBUSD).</summary>
internal readonly struct VnniDotProduct : IDotProduct
{
    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(Vector256<int> sums) => sums;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> underWay, Vector256<byte> weights, Vector256<sbyte> activations) => AvxVnni.MultiplyWideningAndAdd(underWay, weights, activations);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> End(Vector256<int> underWay, Vector256<int> sums) => underWay;
}

/// <summary>Multiplies to 16 bits, which 8 pairs of products never leave (8 · 2 · 15 · 127 = 30,480), and widens at the end.</summary>
internal readonly struct Avx2DotProduct : IDotProduct
{
    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(Vector256<int> sums) => Vector256<int>.Zero;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> underWay, Vector256<byte> weights, Vector256<sbyte> activations)
        => (underWay.AsInt16() + Avx2.MultiplyAddAdjacent(weights, activations)).AsInt32();

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> End(Vector256<int> underWay, Vector256<int> sums) => sums + Avx2.MultiplyAddAdjacent(underWay.AsInt16(), Vector256<short>.One);
}
