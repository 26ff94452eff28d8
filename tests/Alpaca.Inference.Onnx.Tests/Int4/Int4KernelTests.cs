using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>Products of rounded activations with packed matrices against the same in exact integers.</summary>
public sealed unsafe class Int4KernelTests
{
    public static TheoryData<int, int, int, int, bool> Shapes => new()
    {
        // rows of x, N, K, block size, whether scales fit into bfloat16
        { 1, 32, 32, 32, true },
        { 1, 49, 96, 32, false }, // the last panel is not full
        { 3, 64, 80, 32, true }, // nor the last block
        { 4, 64, 2048, 32, false }, // several chunks
        { 7, 33, 544, 32, true },
        { 1, 64, 512, 32, true },
        { 1, 64, 512, 32, false },
        { 66, 96, 1056, 32, false }, // more than a band, and rows left over in each
        { 1, 40, 320, 128, true },
        { 5, 40, 200, 128, false },
        { 9, 64, 1100, 256, true },
        { 2, 96, 256, 64, false },
        { 131, 31, 700, 64, true },
    };

    [AvxVnniTheory]
    [MemberData(nameof(Shapes))]
    public void Multiply_Vnni_IsTheProductOfTheRoundedNumbers(int rows, int n, int k, int blockSize, bool hasShortScales) => ShouldBeExact<VnniDotProduct>(rows, n, k, blockSize, hasShortScales);

    [Avx2Theory]
    [MemberData(nameof(Shapes))]
    public void Multiply_Avx2_IsTheProductOfTheRoundedNumbers(int rows, int n, int k, int blockSize, bool hasShortScales) => ShouldBeExact<Avx2DotProduct>(rows, n, k, blockSize, hasShortScales);

    [Avx2Fact]
    public void Multiply_LargestNumbers_DoNotOverflow()
    {
        using var model = new ProductModel(32, 256, 256);
        Array.Fill(model.Data, (byte)0xFF); // 15 - 8 = 7
        Array.Fill(model.Scales, 1f);
        model.Write();
        foreach (var rows in new[] { 1, 4 })
        {
            var x = Enumerable.Repeat(127f, rows * 256).ToArray();
            Multiply<Avx2DotProduct>(model, x, rows).Should().OnlyContain(y => y == 127 * 7 * 256);
            if (AvxVnni.IsSupported) Multiply<VnniDotProduct>(model, x, rows).Should().OnlyContain(y => y == 127 * 7 * 256);
        }
    }

    [Avx2Fact]
    public void Multiply_RowAloneOrAmongOthersOnOneOrMoreThreads_HasTheSameBits()
    {
        using var model = new ProductModel(200, 1056, 32);
        var x = ProductModel.Activations(70 * 1056);
        var together = Run(model, x, 70, threads: 3);

        for (var row = 0; row < 70; row++)
        {
            var alone = Run(model, x[(row * 1056)..((row + 1) * 1056)], 1, threads: 1);
            alone.Should().Equal(together[(row * 200)..((row + 1) * 200)], $"of row {row}");
        }
    }

    [Avx2Fact]
    public void Multiply_ActivationsThatAreNoNumbersOrZero_AreNoNumbersOrZero()
    {
        using var model = new ProductModel(32, 64, 32);
        var x = new float[3 * 64];
        x[64 + 40] = float.NaN;
        x[128] = float.PositiveInfinity;

        var y = Run(model, x, 3, threads: 1);

        y[..32].Should().OnlyContain(value => value == 0);
        y[32..].Should().OnlyContain(value => float.IsNaN(value));
    }

    /// <summary>Every part in turn, as the session's threads do.</summary>
    private static float[] Run(ProductModel model, float[] x, int rows, int threads)
    {
        using var weights = model.Open();
        using var matrix = Int4Matrix.Read(weights, model.Graph()!.Products[0], threads, default);
        var y = new float[rows * model.Rows];
        var memory = new byte[Int4Multiplication.MemoryBytes(matrix, rows)];
        var handle = GCHandle.Alloc(matrix);
        fixed (float* from = x, to = y)
        fixed (byte* start = memory)
        {
            var product = new Int4Multiplication(handle, from, rows, to, threads, start);
            for (var part = 0; part < product.RoundParts; part++) product.RoundPart(part);
            for (var part = 0; part < product.MultiplyParts; part++) product.MultiplyPart(part);
        }

        handle.Free();
        return y;
    }

    private static float[] Multiply<TDot>(ProductModel model, float[] x, int rows)
        where TDot : struct, IDotProduct
    {
        using var weights = model.Open();
        using var matrix = Int4Matrix.Read(weights, model.Graph()!.Products[0], 2, default);
        var y = new float[rows * model.Rows];
        var memory = new byte[QuantizedRows.Bytes(rows, matrix.Blocks, matrix.BlockSize)];
        fixed (float* from = x, to = y)
        fixed (byte* start = memory)
        {
            var rounded = new QuantizedRows(start, rows, matrix.Blocks, matrix.BlockSize);
            for (var row = 0; row < rows; row++) rounded.Set(row, from + (row * model.Columns), model.Columns);
            if (matrix.HasShortScales) Int4Kernel<TDot, BFloat16Scales>.Multiply(matrix, 0, matrix.Panels, rounded, to);
            else Int4Kernel<TDot, Float32Scales>.Multiply(matrix, 0, matrix.Panels, rounded, to);
        }

        return y;
    }

    private static void ShouldBeExact<TDot>(int rows, int n, int k, int blockSize, bool hasShortScales)
        where TDot : struct, IDotProduct
    {
        using var model = new ProductModel(n, k, blockSize, hasShortScales: hasShortScales);
        var x = ProductModel.Activations(rows * k);
        var y = Multiply<TDot>(model, x, rows);

        for (var row = 0; row < rows; row++)
        {
            var (values, scales) = Rounded(x.AsSpan(row * k, k), blockSize);
            for (var i = 0; i < n; i++)
            {
                double expected = 0, size = 0;
                for (var block = 0; block < model.Blocks; block++)
                {
                    var sum = 0;
                    for (var column = block * blockSize; column < Math.Min(k, (block + 1) * blockSize); column++) sum += values[column] * model.Element(i, column);
                    var term = (double)sum * scales[block] * model.Scales[(i * model.Blocks) + block];
                    (expected, size) = (expected + term, size + Math.Abs(term));
                }

                ((double)y[(row * n) + i]).Should().BeApproximately(expected, 1e-6 * size, $"of row {row}, element {i}");
            }
        }
    }

    /// <summary>Blocks rounded so that the largest element becomes 127.</summary>
    private static (int[] Values, float[] Scales) Rounded(ReadOnlySpan<float> row, int blockSize)
    {
        var values = new int[row.Length];
        var scales = new float[(row.Length + blockSize - 1) / blockSize];
        for (var block = 0; block < scales.Length; block++)
        {
            var (first, end) = (block * blockSize, Math.Min(row.Length, (block + 1) * blockSize));
            var most = 0f;
            for (var i = first; i < end; i++) most = Math.Max(most, Math.Abs(row[i]));
            scales[block] = most / 127;
            for (var i = first; i < end; i++) values[i] = (int)MathF.Round(row[i] * (127 / most));
        }

        return (values, scales);
    }
}
