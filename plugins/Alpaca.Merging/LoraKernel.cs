using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Alpaca.Merging;

/// <summary>W += scaling · B · A in float32.</summary>
/// <remarks>
/// Each element is the sum over the rank in order, by fused multiply-add, then scaled, then added: the same bits whatever the number of rows, threads or the width of
/// the machine's vectors. Four rows by two vectors are summed in registers, so that a loaded piece of A serves four rows.
/// </remarks>
internal static class LoraKernel
{
    private const int RowsAtOnce = 4;

    /// <summary>Adds the update to some rows of a weight.</summary>
    /// <param name="weight">The rows, [rows, columns].</param>
    /// <param name="a">[rank, columns]</param>
    /// <param name="b">The same rows of B, [rows, rank].</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="rank">LoRA's r.</param>
    /// <param name="scaling">alpha / r</param>
    public static void Add(Span<float> weight, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int rows, int columns, int rank, float scaling)
    {
        if (weight.Length != (long)rows * columns || a.Length != (long)rank * columns || b.Length != (long)rows * rank)
        {
            throw new ArgumentException("The matrices do not fit each other.", nameof(weight));
        }

        var row = 0;
        for (; row + RowsAtOnce <= rows; row += RowsAtOnce)
        {
            AddFourRows(weight.Slice(row * columns, RowsAtOnce * columns), a, b.Slice(row * rank, RowsAtOnce * rank), columns, rank, scaling);
        }

        for (; row < rows; row++)
        {
            AddColumns(weight.Slice(row * columns, columns), a, b.Slice(row * rank, rank), 0, columns, rank, scaling);
        }
    }

    // Optimised at the first call: there are few calls, each of them long.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFourRows(Span<float> weight, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int columns, int rank, float scaling)
    {
        var width = Vector<float>.Count;
        var scale = new Vector<float>(scaling);
        ref var left = ref MemoryMarshal.GetReference(a);
        ref var w0 = ref MemoryMarshal.GetReference(weight);
        ref var w1 = ref Unsafe.Add(ref w0, columns);
        ref var w2 = ref Unsafe.Add(ref w1, columns);
        ref var w3 = ref Unsafe.Add(ref w2, columns);
        ReadOnlySpan<float> b0 = b[..rank], b1 = b.Slice(rank, rank), b2 = b.Slice(2 * rank, rank), b3 = b.Slice(3 * rank, rank);
        var column = 0;
        for (; column + (2 * width) <= columns; column += 2 * width)
        {
            Vector<float> s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
            for (var k = 0; k < rank; k++)
            {
                ref var source = ref Unsafe.Add(ref left, (nint)k * columns + column);
                var a0 = Vector.LoadUnsafe(ref source);
                var a1 = Vector.LoadUnsafe(ref source, (nuint)width);
                Vector<float> x0 = new(b0[k]), x1 = new(b1[k]), x2 = new(b2[k]), x3 = new(b3[k]);
                s00 = Vector.FusedMultiplyAdd(x0, a0, s00);
                s01 = Vector.FusedMultiplyAdd(x0, a1, s01);
                s10 = Vector.FusedMultiplyAdd(x1, a0, s10);
                s11 = Vector.FusedMultiplyAdd(x1, a1, s11);
                s20 = Vector.FusedMultiplyAdd(x2, a0, s20);
                s21 = Vector.FusedMultiplyAdd(x2, a1, s21);
                s30 = Vector.FusedMultiplyAdd(x3, a0, s30);
                s31 = Vector.FusedMultiplyAdd(x3, a1, s31);
            }

            AddTo(ref Unsafe.Add(ref w0, column), s00, s01, scale);
            AddTo(ref Unsafe.Add(ref w1, column), s10, s11, scale);
            AddTo(ref Unsafe.Add(ref w2, column), s20, s21, scale);
            AddTo(ref Unsafe.Add(ref w3, column), s30, s31, scale);
        }

        for (var row = 0; row < RowsAtOnce; row++)
        {
            AddColumns(weight.Slice(row * columns, columns), a, b.Slice(row * rank, rank), column, columns, rank, scaling);
        }
    }

    private static void AddTo(ref float target, Vector<float> first, Vector<float> second, Vector<float> scale)
    {
        var width = (nuint)Vector<float>.Count;
        (Vector.LoadUnsafe(ref target) + (first * scale)).StoreUnsafe(ref target);
        (Vector.LoadUnsafe(ref target, width) + (second * scale)).StoreUnsafe(ref target, width);
    }

    private static void AddColumns(Span<float> weight, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int firstColumn, int columns, int rank, float scaling)
    {
        for (var column = firstColumn; column < columns; column++)
        {
            float sum = 0;
            for (var k = 0; k < rank; k++)
            {
                sum = MathF.FusedMultiplyAdd(b[k], a[(k * columns) + column], sum);
            }

            weight[column] += sum * scaling;
        }
    }
}
