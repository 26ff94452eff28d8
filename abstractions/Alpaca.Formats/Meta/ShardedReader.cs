using System.Buffers;

namespace Alpaca.Formats;

/// <summary>Copies a range of one part's contiguous data.</summary>
/// <param name="shard">Which shard.</param>
/// <param name="part">The part of the tensor in it, under Meta's name.</param>
/// <param name="byteOffset">Where in the part the range begins.</param>
/// <param name="destination">Filled completely.</param>
internal delegate void ReadPart(int shard, TensorInfo part, long byteOffset, Span<byte> destination);

/// <summary>Reads whole tensors out of the parts that shards hold.</summary>
internal sealed class ShardedReader(ReadPart read)
{
    // What is read at once to be put in order: large enough that a system call costs nothing, small enough for the processor's cache.
    private const int MaxPiecesBytes = 1 << 20;

    /// <summary>Reads any range of a tensor in Hugging Face's order of rows.</summary>
    public void Read(ShardedTensor tensor, long byteOffset, Span<byte> destination)
    {
        if (!tensor.IsRotated)
        {
            ReadStored(tensor, byteOffset, destination);
            return;
        }

        while (!destination.IsEmpty)
        {
            var length = tensor.WholeHeads(byteOffset, destination.Length);
            if (length > 0)
            {
                ReadHeads(tensor, byteOffset, destination[..length]);
            }
            else
            {
                (var stored, length) = tensor.StoredRow(byteOffset, destination.Length);
                ReadStored(tensor, stored, destination[..length]);
            }

            byteOffset += length;
            destination = destination[length..];
        }
    }

    private void ReadHeads(ShardedTensor tensor, long byteOffset, Span<byte> destination)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(destination.Length);
        try
        {
            var pairs = buffer.AsSpan(0, destination.Length);
            ReadStored(tensor, byteOffset, pairs);
            RotaryPermutation.PairsToHalves(pairs, destination, tensor.BlockRows, tensor.RowBytes);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // In the stored order of rows.
    private void ReadStored(ShardedTensor tensor, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var length = tensor.IsInterleaved ? tensor.WholeRows(offset, destination.Length) : 0;
            if (length > 0)
            {
                ReadRows(tensor, offset / tensor.RowBytes, destination[..length]);
            }
            else
            {
                (var part, var inPart, length) = tensor.StoredPiece(offset, destination.Length);
                read(part, tensor.Parts[part], inPart, destination[..length]);
            }

            offset += length;
            destination = destination[length..];
        }
    }

    // Every row consists of a piece from each shard. The pieces of many rows are read at once and then put into place.
    private void ReadRows(ShardedTensor tensor, long firstRow, Span<byte> destination)
    {
        var widest = Enumerable.Range(0, tensor.Parts.Count).Max(tensor.PieceBytes);
        var rowsAtOnce = Math.Clamp(MaxPiecesBytes / widest, 1, destination.Length / tensor.RowBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(rowsAtOnce * widest);
        try
        {
            while (!destination.IsEmpty)
            {
                var rows = Math.Min(rowsAtOnce, destination.Length / tensor.RowBytes);
                for (var part = 0; part < tensor.Parts.Count; part++)
                {
                    var (pieceBytes, begin) = (tensor.PieceBytes(part), tensor.PieceBegin(part));
                    var pieces = buffer.AsSpan(0, rows * pieceBytes);
                    read(part, tensor.Parts[part], firstRow * pieceBytes, pieces);
                    for (var row = 0; row < rows; row++)
                    {
                        pieces.Slice(row * pieceBytes, pieceBytes).CopyTo(destination[((row * tensor.RowBytes) + begin)..]);
                    }
                }

                firstRow += rows;
                destination = destination[(rows * tensor.RowBytes)..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
