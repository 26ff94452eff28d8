using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Alpaca.Inference.Onnx;

/// <summary>y = x Wᵀ for rounded activations x [rows, K] and panels of an <see cref="Int4Matrix"/>.</summary>
/// <remarks>
/// Within a block everything is an integer; the float sums are over blocks, in their order, so a result depends neither on the number of threads nor on the rows around it. One row or two are bound by memory: weights are unpacked where they
/// are used. More rows are bound by arithmetic: weights are unpacked once, into the first level cache, and meet three rows at a time there, in twelve sums that do not wait for each other.
/// </remarks>
/// <typeparam name="TDot">The processor's products.</typeparam>
/// <typeparam name="TScales">How the matrix holds its scales.</typeparam>
internal static unsafe class Int4Kernel<TDot, TScales>
    where TDot : struct, IDotProduct
    where TScales : struct, IScales
{
    // Up to so many rows each read the packed weights.
    private const int FewRows = 2;

    // So far ahead memory is asked for: that many bytes arrive while one is waited for.
    private const int Ahead = 10 * 1024;
    private const int CacheLine = 64;

    // 16 pieces of 32 columns and 32 rows, unpacked, are 16 KB.
    private const int ChunkPieces = 16;
    private const int UnpackedPiece = Int4Matrix.PanelRows * Int4Matrix.PieceColumns;

    // The 4 vectors of 8 rows that a panel has side by side.
    private const int LineBytes = Int4Matrix.PanelRows * 4;

    // Rows of activations that one unpacking serves; they stay in the second level cache.
    private const int BandRows = 66;

    /// <summary>Computes the elements of y that belong to some panels.</summary>
    /// <param name="w">The matrix.</param>
    /// <param name="from">The first panel.</param>
    /// <param name="to">The panel after the last.</param>
    /// <param name="x">The activations.</param>
    /// <param name="y">[rows, N]</param>
    [SkipLocalsInit]
    public static void Multiply(Int4Matrix w, int from, int to, in QuantizedRows x, float* y)
    {
        var unpacked = stackalloc byte[(ChunkPieces * UnpackedPiece) + CacheLine];
        unpacked += -(nint)unpacked & (CacheLine - 1);
        var part = stackalloc float[BandRows * Int4Matrix.PanelRows];
        for (var panel = from; panel < to; panel++)
        {
            var first = panel * Int4Matrix.PanelRows;
            for (var row = 0; row < x.Rows; row += BandRows)
            {
                var rows = Math.Min(BandRows, x.Rows - row);
                var target = y + ((long)row * w.Rows) + first;
                if (first + Int4Matrix.PanelRows <= w.Rows)
                {
                    MultiplyPanel(w, panel, x, row, rows, target, w.Rows, unpacked);
                    continue;
                }

                MultiplyPanel(w, panel, x, row, rows, part, Int4Matrix.PanelRows, unpacked);
                for (var i = 0; i < rows; i++) new Span<float>(part + (i * Int4Matrix.PanelRows), w.Rows - first).CopyTo(new Span<float>(target + ((long)i * w.Rows), w.Rows - first));
            }
        }
    }

    private static void MultiplyPanel(Int4Matrix w, int panel, in QuantizedRows x, int row, int rows, float* y, int stride, byte* unpacked)
    {
        if (rows <= FewRows)
        {
            for (var i = 0; i < rows; i++) MultiplyPacked(w, panel, x, row + i, y + ((long)i * stride));
            return;
        }

        var chunkBlocks = Math.Max(1, ChunkPieces / w.Pieces);
        for (var block = 0; block < w.Blocks; block += chunkBlocks)
        {
            var blocks = Math.Min(chunkBlocks, w.Blocks - block);
            var packed = w.Panel(panel) + ((long)block * w.BlockBytes);
            var factors = packed + (w.Pieces * Int4Matrix.PieceBytes);
            Unpack(w, packed, blocks, unpacked);
            var i = 0;
            for (; i + 3 <= rows; i += 3) MultiplyThreeRows(w, unpacked, factors, block, blocks, x, row + i, y + ((long)i * stride), stride);
            for (; i < rows; i++) MultiplyRow(w, unpacked, factors, block, blocks, x, row + i, y + ((long)i * stride));
        }
    }

    /// <summary>One row, with packed weights: 32 elements of y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyPacked(Int4Matrix w, int panel, in QuantizedRows x, int row, float* y)
    {
        var (blocks, pieces) = (w.Blocks, w.Pieces);
        var packed = w.Panel(panel);
        var values = x.Values + ((long)row * x.Stride);
        var scales = x.Scales + ((long)row * blocks);
        var offsets = x.Offsets + ((long)row * blocks);
        var low = Vector256.Create((byte)0x0F);
        Vector256<float> y0 = default, y1 = default, y2 = default, y3 = default;
        for (var block = 0; block < blocks; block++)
        {
            var sum0 = Vector256.Create(offsets[block]);
            Vector256<int> sum1 = sum0, sum2 = sum0, sum3 = sum0;
            for (var piece = 0; piece < pieces; piece++, packed += Int4Matrix.PieceBytes, values += Int4Matrix.PieceColumns)
            {
                for (var line = 0; line < Int4Matrix.PieceBytes; line += CacheLine) Sse.Prefetch0(packed + Ahead + line);
                Vector256<int> s0 = TDot.Begin(sum0), s1 = TDot.Begin(sum1), s2 = TDot.Begin(sum2), s3 = TDot.Begin(sum3);
                for (var columns = 0; columns < 4; columns++)
                {
                    var (even, odd) = (FourValues(values + (8 * columns)), FourValues(values + (8 * columns) + 4));
                    var at = packed + (columns * LineBytes);
                    var weights = Vector256.Load(at);
                    s0 = TDot.Add(TDot.Add(s0, weights & low, even), High(weights) & low, odd);
                    weights = Vector256.Load(at + 32);
                    s1 = TDot.Add(TDot.Add(s1, weights & low, even), High(weights) & low, odd);
                    weights = Vector256.Load(at + 64);
                    s2 = TDot.Add(TDot.Add(s2, weights & low, even), High(weights) & low, odd);
                    weights = Vector256.Load(at + 96);
                    s3 = TDot.Add(TDot.Add(s3, weights & low, even), High(weights) & low, odd);
                }

                (sum0, sum1, sum2, sum3) = (TDot.End(s0, sum0), TDot.End(s1, sum1), TDot.End(s2, sum2), TDot.End(s3, sum3));
            }

            var scale = Vector256.Create(scales[block]);
            for (var line = 0; line < Int4Matrix.PanelRows * TScales.Bytes; line += CacheLine) Sse.Prefetch0(packed + Ahead + line);
            y0 = Scaled(sum0, scale, TScales.Load(packed, 0), y0);
            y1 = Scaled(sum1, scale, TScales.Load(packed, 1), y1);
            y2 = Scaled(sum2, scale, TScales.Load(packed, 2), y2);
            y3 = Scaled(sum3, scale, TScales.Load(packed, 3), y3);
            packed += Int4Matrix.PanelRows * TScales.Bytes;
        }

        Store(y, y0, y1, y2, y3);
    }

    /// <summary>Unpacks blocks of a panel to [piece, 8 times 4 columns, 4 vectors].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(Int4Matrix w, byte* packed, int blocks, byte* unpacked)
    {
        var low = Vector256.Create((byte)0x0F);
        for (var block = 0; block < blocks; block++, packed += Int4Matrix.PanelRows * TScales.Bytes)
        {
            for (var piece = 0; piece < w.Pieces; piece++)
            {
                for (var columns = 0; columns < 4; columns++, packed += LineBytes, unpacked += 2 * LineBytes)
                {
                    Sse.Prefetch0(packed + Ahead);
                    Sse.Prefetch0(packed + Ahead + CacheLine);
                    for (var vector = 0; vector < LineBytes; vector += 32)
                    {
                        var weights = Vector256.Load(packed + vector);
                        (weights & low).Store(unpacked + vector);
                        (High(weights) & low).Store(unpacked + LineBytes + vector);
                    }
                }
            }
        }
    }

    /// <summary>Three rows, with some blocks of unpacked weights: adds to 3 times 32 elements of y, or begins them with the first block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyThreeRows(Int4Matrix w, byte* weights, byte* factors, int firstBlock, int blocks, in QuantizedRows x, int row, float* y, int stride)
    {
        var (pieces, factorStride, perRow) = (w.Pieces, w.BlockBytes, x.Blocks);
        var x0 = x.Values + ((long)row * x.Stride) + (firstBlock * w.BlockSize);
        var x1 = x0 + x.Stride;
        var x2 = x1 + x.Stride;
        var scales = x.Scales + ((long)row * perRow) + firstBlock;
        var offsets = x.Offsets + ((long)row * perRow) + firstBlock;
        Vector256<float> y00 = default, y01 = default, y02 = default, y03 = default;
        Vector256<float> y10 = default, y11 = default, y12 = default, y13 = default;
        Vector256<float> y20 = default, y21 = default, y22 = default, y23 = default;
        var (from1, from2) = (stride, 2 * stride);
        if (firstBlock > 0)
        {
            (y00, y01, y02, y03) = (Vector256.Load(y), Vector256.Load(y + 8), Vector256.Load(y + 16), Vector256.Load(y + 24));
            (y10, y11, y12, y13) = (Vector256.Load(y + from1), Vector256.Load(y + from1 + 8), Vector256.Load(y + from1 + 16), Vector256.Load(y + from1 + 24));
            (y20, y21, y22, y23) = (Vector256.Load(y + from2), Vector256.Load(y + from2 + 8), Vector256.Load(y + from2 + 16), Vector256.Load(y + from2 + 24));
        }

        for (var block = 0; block < blocks; block++, factors += factorStride)
        {
            Vector256<int> sum00 = Vector256.Create(offsets[block]), sum10 = Vector256.Create(offsets[perRow + block]), sum20 = Vector256.Create(offsets[(2 * perRow) + block]);
            Vector256<int> sum01 = sum00, sum02 = sum00, sum03 = sum00, sum11 = sum10, sum12 = sum10, sum13 = sum10, sum21 = sum20, sum22 = sum20, sum23 = sum20;
            for (var piece = 0; piece < pieces; piece++, x0 += Int4Matrix.PieceColumns, x1 += Int4Matrix.PieceColumns, x2 += Int4Matrix.PieceColumns)
            {
                Vector256<int> s00 = TDot.Begin(sum00), s01 = TDot.Begin(sum01), s02 = TDot.Begin(sum02), s03 = TDot.Begin(sum03);
                Vector256<int> s10 = TDot.Begin(sum10), s11 = TDot.Begin(sum11), s12 = TDot.Begin(sum12), s13 = TDot.Begin(sum13);
                Vector256<int> s20 = TDot.Begin(sum20), s21 = TDot.Begin(sum21), s22 = TDot.Begin(sum22), s23 = TDot.Begin(sum23);
                for (var columns = 0; columns < Int4Matrix.PieceColumns; columns += 4, weights += LineBytes)
                {
                    Vector256<sbyte> v0 = FourValues(x0 + columns), v1 = FourValues(x1 + columns), v2 = FourValues(x2 + columns);
                    var eightRows = Vector256.Load(weights);
                    s00 = TDot.Add(s00, eightRows, v0);
                    s10 = TDot.Add(s10, eightRows, v1);
                    s20 = TDot.Add(s20, eightRows, v2);
                    eightRows = Vector256.Load(weights + 32);
                    s01 = TDot.Add(s01, eightRows, v0);
                    s11 = TDot.Add(s11, eightRows, v1);
                    s21 = TDot.Add(s21, eightRows, v2);
                    eightRows = Vector256.Load(weights + 64);
                    s02 = TDot.Add(s02, eightRows, v0);
                    s12 = TDot.Add(s12, eightRows, v1);
                    s22 = TDot.Add(s22, eightRows, v2);
                    eightRows = Vector256.Load(weights + 96);
                    s03 = TDot.Add(s03, eightRows, v0);
                    s13 = TDot.Add(s13, eightRows, v1);
                    s23 = TDot.Add(s23, eightRows, v2);
                }

                (sum00, sum01, sum02, sum03) = (TDot.End(s00, sum00), TDot.End(s01, sum01), TDot.End(s02, sum02), TDot.End(s03, sum03));
                (sum10, sum11, sum12, sum13) = (TDot.End(s10, sum10), TDot.End(s11, sum11), TDot.End(s12, sum12), TDot.End(s13, sum13));
                (sum20, sum21, sum22, sum23) = (TDot.End(s20, sum20), TDot.End(s21, sum21), TDot.End(s22, sum22), TDot.End(s23, sum23));
            }

            Vector256<float> scale0 = Vector256.Create(scales[block]), scale1 = Vector256.Create(scales[perRow + block]), scale2 = Vector256.Create(scales[(2 * perRow) + block]);
            var factor = TScales.Load(factors, 0);
            (y00, y10, y20) = (Scaled(sum00, scale0, factor, y00), Scaled(sum10, scale1, factor, y10), Scaled(sum20, scale2, factor, y20));
            factor = TScales.Load(factors, 1);
            (y01, y11, y21) = (Scaled(sum01, scale0, factor, y01), Scaled(sum11, scale1, factor, y11), Scaled(sum21, scale2, factor, y21));
            factor = TScales.Load(factors, 2);
            (y02, y12, y22) = (Scaled(sum02, scale0, factor, y02), Scaled(sum12, scale1, factor, y12), Scaled(sum22, scale2, factor, y22));
            factor = TScales.Load(factors, 3);
            (y03, y13, y23) = (Scaled(sum03, scale0, factor, y03), Scaled(sum13, scale1, factor, y13), Scaled(sum23, scale2, factor, y23));
        }

        Store(y, y00, y01, y02, y03);
        Store(y + from1, y10, y11, y12, y13);
        Store(y + from2, y20, y21, y22, y23);
    }

    /// <summary>The same for one row of those that are left over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyRow(Int4Matrix w, byte* weights, byte* factors, int firstBlock, int blocks, in QuantizedRows x, int row, float* y)
    {
        var values = x.Values + ((long)row * x.Stride) + (firstBlock * w.BlockSize);
        var scales = x.Scales + ((long)row * x.Blocks) + firstBlock;
        var offsets = x.Offsets + ((long)row * x.Blocks) + firstBlock;
        Vector256<float> y0 = default, y1 = default, y2 = default, y3 = default;
        if (firstBlock > 0) (y0, y1, y2, y3) = (Vector256.Load(y), Vector256.Load(y + 8), Vector256.Load(y + 16), Vector256.Load(y + 24));
        for (var block = 0; block < blocks; block++, factors += w.BlockBytes)
        {
            Vector256<int> sum0 = Vector256.Create(offsets[block]), sum1 = sum0, sum2 = sum0, sum3 = sum0;
            for (var piece = 0; piece < w.Pieces; piece++, values += Int4Matrix.PieceColumns)
            {
                Vector256<int> s0 = TDot.Begin(sum0), s1 = TDot.Begin(sum1), s2 = TDot.Begin(sum2), s3 = TDot.Begin(sum3);
                for (var columns = 0; columns < Int4Matrix.PieceColumns; columns += 4, weights += LineBytes)
                {
                    var four = FourValues(values + columns);
                    s0 = TDot.Add(s0, Vector256.Load(weights), four);
                    s1 = TDot.Add(s1, Vector256.Load(weights + 32), four);
                    s2 = TDot.Add(s2, Vector256.Load(weights + 64), four);
                    s3 = TDot.Add(s3, Vector256.Load(weights + 96), four);
                }

                (sum0, sum1, sum2, sum3) = (TDot.End(s0, sum0), TDot.End(s1, sum1), TDot.End(s2, sum2), TDot.End(s3, sum3));
            }

            var scale = Vector256.Create(scales[block]);
            y0 = Scaled(sum0, scale, TScales.Load(factors, 0), y0);
            y1 = Scaled(sum1, scale, TScales.Load(factors, 1), y1);
            y2 = Scaled(sum2, scale, TScales.Load(factors, 2), y2);
            y3 = Scaled(sum3, scale, TScales.Load(factors, 3), y3);
        }

        Store(y, y0, y1, y2, y3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, Vector256<float> y0, Vector256<float> y1, Vector256<float> y2, Vector256<float> y3)
    {
        y0.Store(y);
        y1.Store(y + 8);
        y2.Store(y + 16);
        y3.Store(y + 24);
    }

    /// <summary>y + sums · scale · factor</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scaled(Vector256<int> sums, Vector256<float> scale, Vector256<float> factor, Vector256<float> y)
        => Fma.MultiplyAdd(Avx.ConvertToVector256Single(sums), scale * factor, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> FourValues(sbyte* values) => Vector256.Create(*(int*)values).AsSByte();

    /// <summary>The high halves of the bytes, with what the shift brings in from the neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> High(Vector256<byte> weights) => (weights.AsUInt16() >>> 4).AsByte();
}
