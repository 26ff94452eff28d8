namespace Alpaca.Inference.Onnx;

/// <summary>Reads rows that were rounded to a <see cref="BlockFormat"/>.</summary>
internal static class BlockDequantizer
{
    /// <summary>Gives the elements of a row.</summary>
    /// <param name="format">The format.</param>
    /// <param name="data">The packed elements.</param>
    /// <param name="scales">A scale for each block.</param>
    /// <param name="zeroPoints">The packed zero points; empty when symmetric.</param>
    /// <param name="row">Gets the K elements.</param>
    public static void Dequantize(BlockFormat format, ReadOnlySpan<byte> data, ReadOnlySpan<float> scales, ReadOnlySpan<byte> zeroPoints, Span<float> row)
    {
        for (var k = 0; k < row.Length; k++)
        {
            var block = k / format.BlockSize;
            var zeroPoint = format.Symmetric ? format.Middle : Element(format, zeroPoints, block);
            row[k] = (Element(format, data, k) - zeroPoint) * scales[block];
        }
    }

    // A row's blocks lie one after the other without gaps, so elements are counted through.
    private static int Element(BlockFormat format, ReadOnlySpan<byte> packed, int index)
        => format.Bits == 8 ? packed[index] : (packed[index / 2] >> ((index & 1) * 4)) & 0xF;
}
