namespace Alpaca.Inference.Onnx;

/// <summary>How ONNX Runtime's MatMulNBits stores a matrix [N, K]: each row in blocks of neighbouring elements that share a scale and, if not symmetric, a zero point.</summary>
/// <remarks>
/// An element is <c>(q - zero point) * scale</c>, q an unsigned integer; a symmetric block has the zero point in the middle, 8 or 128. Of two elements of 4 bits in a byte the first is the low half.
/// A last block that K does not fill is padded with the zero point.
/// </remarks>
/// <param name="Bits">4 or 8.</param>
/// <param name="BlockSize">Elements of a block, a power of two from 16 to 256.</param>
/// <param name="Symmetric">Whether zero points are left out.</param>
internal sealed record BlockFormat(int Bits, int BlockSize, bool Symmetric)
{
    /// <summary>The largest q.</summary>
    public int Largest => (1 << Bits) - 1;

    /// <summary>The zero point of a symmetric block.</summary>
    public int Middle => 1 << (Bits - 1);

    /// <summary>The bytes of a block's elements.</summary>
    public int BlockBytes => BlockSize * Bits / 8;

    /// <summary>Blocks of a row, the last one perhaps padded.</summary>
    public int Blocks(long columns) => checked((int)((columns + BlockSize - 1) / BlockSize));

    /// <summary>The bytes of a row's elements.</summary>
    public int RowBytes(long columns) => checked(Blocks(columns) * BlockBytes);

    /// <summary>The bytes of a row's zero points, packed like the elements.</summary>
    public int ZeroPointBytes(long columns) => ((Blocks(columns) * Bits) + 7) / 8;
}
