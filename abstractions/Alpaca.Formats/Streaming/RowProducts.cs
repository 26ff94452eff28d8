using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Alpaca.Formats;

/// <summary>Products of a few rows of a weight with the vectors of a prompt.</summary>
public static class RowProducts
{
    private const int RowsAtOnce = 2;
    private const int PositionsAtOnce = 4;

    /// <summary>Computes y[t, i] = row i · x[t], in float32.</summary>
    /// <param name="rows">[rows, width]</param>
    /// <param name="input">x, [T, width]</param>
    /// <param name="output">y, [T, out]; gets the columns from <paramref name="firstColumn"/> on.</param>
    /// <param name="firstColumn">The column of the first row.</param>
    public static void Multiply(ReadOnlySpan<float> rows, Activations input, Activations output, int firstColumn)
    {
        var (width, count) = (input.Width, rows.Length / input.Width);
        int row = 0, tiledPositions = input.Positions / PositionsAtOnce * PositionsAtOnce;
        for (; row + RowsAtOnce <= count; row += RowsAtOnce)
        {
            var pair = rows.Slice(row * width, RowsAtOnce * width);
            for (var t = 0; t < tiledPositions; t += PositionsAtOnce)
            {
                MultiplyTile(pair, input.Values.AsSpan(t * width, PositionsAtOnce * width), width, output.Values.AsSpan((t * output.Width) + firstColumn + row), output.Width);
            }

            MultiplyOneByOne(pair, input, output, firstColumn + row, tiledPositions);
        }

        MultiplyOneByOne(rows[(row * width)..], input, output, firstColumn + row, firstPosition: 0);
    }

    // Eight sums in registers: each vector that is loaded takes part in two or four products.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTile(ReadOnlySpan<float> rows, ReadOnlySpan<float> x, int width, Span<float> y, int yStride)
    {
        ref var w0 = ref MemoryMarshal.GetReference(rows);
        ref var w1 = ref Unsafe.Add(ref w0, width);
        ref var x0 = ref MemoryMarshal.GetReference(x);
        ref var x1 = ref Unsafe.Add(ref x0, width);
        ref var x2 = ref Unsafe.Add(ref x1, width);
        ref var x3 = ref Unsafe.Add(ref x2, width);
        Vector<float> s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
        var i = 0;
        for (; i + Vector<float>.Count <= width; i += Vector<float>.Count)
        {
            var at = (nuint)i;
            Vector<float> a = Vector.LoadUnsafe(ref w0, at), b = Vector.LoadUnsafe(ref w1, at);
            var v = Vector.LoadUnsafe(ref x0, at);
            (s00, s10) = (Vector.FusedMultiplyAdd(a, v, s00), Vector.FusedMultiplyAdd(b, v, s10));
            v = Vector.LoadUnsafe(ref x1, at);
            (s01, s11) = (Vector.FusedMultiplyAdd(a, v, s01), Vector.FusedMultiplyAdd(b, v, s11));
            v = Vector.LoadUnsafe(ref x2, at);
            (s02, s12) = (Vector.FusedMultiplyAdd(a, v, s02), Vector.FusedMultiplyAdd(b, v, s12));
            v = Vector.LoadUnsafe(ref x3, at);
            (s03, s13) = (Vector.FusedMultiplyAdd(a, v, s03), Vector.FusedMultiplyAdd(b, v, s13));
        }

        Store(s00, s10, rows, x, y);
        Store(s01, s11, rows, x[width..], y[yStride..]);
        Store(s02, s12, rows, x[(2 * width)..], y[(2 * yStride)..]);
        Store(s03, s13, rows, x[(3 * width)..], y[(3 * yStride)..]);

        void Store(Vector<float> first, Vector<float> second, ReadOnlySpan<float> weights, ReadOnlySpan<float> vector, Span<float> target)
        {
            var rest = vector[i..width];
            target[0] = Vector.Sum(first) + TensorPrimitives.Dot(weights[i..width], rest);
            target[1] = Vector.Sum(second) + TensorPrimitives.Dot(weights[(width + i)..(2 * width)], rest);
        }
    }

    private static void MultiplyOneByOne(ReadOnlySpan<float> rows, Activations input, Activations output, int firstColumn, int firstPosition)
    {
        for (var row = 0; row < rows.Length / input.Width; row++)
        {
            for (var t = firstPosition; t < input.Positions; t++)
            {
                output[t][firstColumn + row] = TensorPrimitives.Dot(rows.Slice(row * input.Width, input.Width), input[t]);
            }
        }
    }
}
