namespace Alpaca.Formats;

/// <summary>A tensor whose parts lie in several shards: which bytes of which part are which bytes of the whole.</summary>
/// <remarks>
/// Two orders of rows are told apart: the stored one, Meta's, and the whole tensor's under Hugging Face's name, in which the rows of query and key heads stand in halves
/// (<see cref="RotaryPermutation"/>). They are the same for every other tensor.
/// </remarks>
internal sealed class ShardedTensor
{
    // Heads are reordered in memory, a few at a time; a head larger than this (none is) goes row by row.
    private const int MaxHeadBytes = 32 << 20;

    private readonly MetaTensor _tensor;
    private readonly int _headBytes;

    // Where each part begins: in the whole tensor if it is split by rows, in each row if by columns.
    private readonly long[] _begins;

    /// <summary>Joins parts that fit together.</summary>
    /// <param name="tensor">Names, split and rotation.</param>
    /// <param name="parts">The part in each shard, in order.</param>
    /// <param name="headDim">Rows of a head.</param>
    public ShardedTensor(MetaTensor tensor, IReadOnlyList<TensorInfo> parts, int headDim)
    {
        var first = parts[0];
        _tensor = tensor;
        Parts = parts;
        Info = new TensorInfo(tensor.HuggingFace, first.DType, tensor.Split switch
        {
            MetaSplit.Rows => [parts.Sum(p => p.Shape[0]), first.Shape[1]],
            MetaSplit.Columns => [first.Shape[0], parts.Sum(p => p.Shape[1])],
            _ => first.Shape,
        });
        RowBytes = Info.Shape.Count == 2 ? checked((int)(Info.Shape[1] * Info.DType.Size())) : Info.DType.Size();
        BlockRows = tensor.Rotation == MetaRotation.None ? 1 : headDim;
        _headBytes = (long)BlockRows * RowBytes <= MaxHeadBytes ? BlockRows * RowBytes : 0;
        _begins = new long[parts.Count];
        for (var i = 1; i < parts.Count; i++)
        {
            _begins[i] = _begins[i - 1] + (tensor.Split == MetaSplit.Columns ? PieceBytes(i - 1) : parts[i - 1].ByteLength);
        }
    }

    /// <summary>The whole tensor, under Hugging Face's name.</summary>
    public TensorInfo Info { get; }

    /// <summary>The part in each shard, under Meta's name.</summary>
    public IReadOnlyList<TensorInfo> Parts { get; }

    public MetaSplit Split => _tensor.Split;

    public int RowBytes { get; }

    /// <summary>Rows that belong together: those of a head where the orders differ, 1 elsewhere.</summary>
    public int BlockRows { get; }

    public bool IsRotated => _tensor.Rotation != MetaRotation.None;

    /// <summary>Whether a stored row consists of a piece from each part.</summary>
    public bool IsInterleaved => Split == MetaSplit.Columns && Parts.Count > 1;

    /// <summary>The bytes of a part's piece of each row.</summary>
    public int PieceBytes(int part) => (int)Parts[part].Shape[1] * Info.DType.Size();

    /// <summary>Where a part's piece begins in each row.</summary>
    public int PieceBegin(int part) => (int)_begins[part];

    /// <summary>How many bytes from an offset on are whole heads, at most as many as are reordered at once; 0 where the offset lies within a head.</summary>
    public int WholeHeads(long offset, int length) => _headBytes == 0 || offset % _headBytes != 0 ? 0 : Math.Min(length, MaxHeadBytes) / _headBytes * _headBytes;

    /// <summary>How many bytes from an offset on are whole rows; 0 where the offset lies within a row.</summary>
    public int WholeRows(long offset, int length) => offset % RowBytes != 0 ? 0 : length / RowBytes * RowBytes;

    /// <summary>The stored place of bytes of the whole tensor, as far as they lie in one row.</summary>
    public (long Offset, int Length) StoredRow(long offset, int length)
    {
        var (row, inRow) = Math.DivRem(offset, RowBytes);
        var (head, inHead) = Math.DivRem(row, BlockRows);
        return ((((head * BlockRows) + RotaryPermutation.PairsRow((int)inHead, BlockRows)) * RowBytes) + inRow, (int)Math.Min(length, RowBytes - inRow));
    }

    /// <summary>The bytes from a stored offset on, as far as they lie side by side in one part.</summary>
    public (int Part, long Offset, int Length) StoredPiece(long offset, int length)
    {
        if (Parts.Count == 1 || Split == MetaSplit.Replicated)
        {
            return (0, offset, length);
        }

        var (row, inRow) = IsInterleaved ? Math.DivRem(offset, RowBytes) : (0, offset);
        var part = _begins.Length - 1;
        while (_begins[part] > inRow)
        {
            part--;
        }

        var inPiece = inRow - _begins[part];
        var piece = IsInterleaved ? PieceBytes(part) : Parts[part].ByteLength;
        return (part, (row * piece) + inPiece, (int)Math.Min(length, piece - inPiece));
    }
}
