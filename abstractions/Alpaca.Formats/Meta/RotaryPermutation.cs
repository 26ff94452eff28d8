namespace Alpaca.Formats;

/// <summary>The order of rows within the heads of the query and key projections.</summary>
/// <remarks>
/// Meta rotates neighbouring pairs (rows 2j and 2j+1 of a head), Hugging Face rotates halves (rows j and headDim/2 + j). So for i in {0, 1} and j below headDim/2,
/// row i·headDim/2 + j in Hugging Face's order is row 2j + i in Meta's (transformers, <c>convert_llama_weights_to_hf.py</c>, <c>permute</c>).
/// </remarks>
public static class RotaryPermutation
{
    /// <summary>Meta's order to Hugging Face's, for one or more whole heads.</summary>
    /// <param name="pairs">The rows in Meta's order.</param>
    /// <param name="halves">Gets the rows in Hugging Face's order; as long as <paramref name="pairs"/>, not overlapping it.</param>
    /// <param name="headDim">Rows of a head, even.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    public static void PairsToHalves(ReadOnlySpan<byte> pairs, Span<byte> halves, int headDim, int rowBytes)
    {
        var heads = CountHeads(pairs, halves, headDim, rowBytes);
        for (var row = 0; row < heads * headDim; row++)
        {
            pairs.Slice(PairsRow(row, headDim) * rowBytes, rowBytes).CopyTo(halves[(row * rowBytes)..]);
        }
    }

    /// <summary>Hugging Face's order to Meta's: the inverse of <see cref="PairsToHalves"/>.</summary>
    /// <param name="halves">The rows in Hugging Face's order.</param>
    /// <param name="pairs">Gets the rows in Meta's order; as long as <paramref name="halves"/>, not overlapping it.</param>
    /// <param name="headDim">Rows of a head, even.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    public static void HalvesToPairs(ReadOnlySpan<byte> halves, Span<byte> pairs, int headDim, int rowBytes)
    {
        var heads = CountHeads(halves, pairs, headDim, rowBytes);
        for (var row = 0; row < heads * headDim; row++)
        {
            halves.Slice(row * rowBytes, rowBytes).CopyTo(pairs[(PairsRow(row, headDim) * rowBytes)..]);
        }
    }

    /// <summary>The place in Meta's order of a row given in Hugging Face's.</summary>
    internal static int PairsRow(int row, int headDim)
    {
        var (head, inHead) = Math.DivRem(row, headDim);
        var (i, j) = Math.DivRem(inHead, headDim / 2);
        return (head * headDim) + (2 * j) + i;
    }

    private static int CountHeads(ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, int headDim, int rowBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(headDim, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(rowBytes, 1);
        var headBytes = checked(headDim * rowBytes);
        if (headDim % 2 != 0 || source.Length % headBytes != 0 || source.Length != destination.Length)
        {
            throw new ArgumentException("The rows are not whole heads of even width, or the two spans differ in length.", nameof(source));
        }

        return source.Length / headBytes;
    }
}
