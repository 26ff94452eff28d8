using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>A tensor whose parts lie in several shards.</summary>
/// <param name="Info">The whole tensor, under Hugging Face's name.</param>
/// <param name="Rotation">Whether the order of its rows differs between the layouts.</param>
/// <param name="Split">How the shards share it.</param>
/// <param name="Parts">The part in each shard; one for a replicated tensor.</param>
internal sealed record ShardedTensor(TensorInfo Info, MetaRotation Rotation, MetaSplit Split, IReadOnlyList<(ITensorSource Source, TensorInfo Info)> Parts)
{
    private int RowBytes => (int)(Info.Shape.Count == 2 ? Info.Shape[1] * Info.DType.Size() : Info.DType.Size());

    /// <summary>Finds the parts of a tensor and joins their shapes.</summary>
    /// <returns>The tensor, or <see langword="null"/> with the reason added to <paramref name="problems"/>.</returns>
    public static ShardedTensor? TryJoin(MetaTensor tensor, IReadOnlyList<ITensorSource> shards, IReadOnlyList<string> files, List<string> problems)
    {
        var parts = new List<(ITensorSource Source, TensorInfo Info)>(shards.Count);
        var dimensions = tensor.Split == MetaSplit.Replicated ? 1 : 2;
        for (var i = 0; i < shards.Count; i++)
        {
            if (shards[i].Find(tensor.Meta) is not { } part)
            {
                problems.Add($"{tensor.Meta} is missing in {Path.GetFileName(files[i])}");
            }
            else if (part.Shape.Count != dimensions || part.ElementCount == 0)
            {
                problems.Add($"{tensor.Meta} is [{string.Join(", ", part.Shape)}] in {Path.GetFileName(files[i])}, expected {dimensions} dimensions");
            }
            else if (part.DType is not (DType.Float16 or DType.BFloat16 or DType.Float32))
            {
                problems.Add($"{tensor.Meta} holds {part.DType.TorchName()} in {Path.GetFileName(files[i])}, expected float16, bfloat16 or float32");
            }
            else
            {
                parts.Add((shards[i], part));
            }
        }

        if (parts.Count != shards.Count)
        {
            return null;
        }

        var split = tensor.Split;
        if (split == MetaSplit.Replicated)
        {
            parts.RemoveRange(1, parts.Count - 1);
        }

        var first = parts[0].Info;
        var kept = split == MetaSplit.Columns ? 0 : 1;
        if (parts.Any(p => p.Info.DType != first.DType || (dimensions == 2 && p.Info.Shape[kept] != first.Shape[kept])))
        {
            problems.Add($"{tensor.Meta} differs in shape or type between the shards");
            return null;
        }

        IReadOnlyList<long> shape = split switch
        {
            MetaSplit.Rows => [parts.Sum(p => p.Info.Shape[0]), first.Shape[1]],
            MetaSplit.Columns => [first.Shape[0], parts.Sum(p => p.Info.Shape[1])],
            _ => first.Shape,
        };
        return new ShardedTensor(new TensorInfo(tensor.HuggingFace, first.DType, shape), tensor.Rotation, split, parts);
    }

    /// <summary>Reads whole rows in the original order.</summary>
    public void ReadRows(RowChunk chunk, Span<byte> destination)
    {
        if (Split == MetaSplit.Columns && Parts.Count > 1)
        {
            ReadColumns(chunk, destination);
            return;
        }

        long first = chunk.FirstRow, skipped = 0;
        foreach (var (source, info) in Parts)
        {
            var available = info.Shape[0] - (first - skipped);
            if (available > 0 && !destination.IsEmpty)
            {
                var bytes = (int)Math.Min(available * RowBytes, destination.Length);
                source.Read(info, (first - skipped) * RowBytes, destination[..bytes]);
                destination = destination[bytes..];
                first += bytes / RowBytes;
            }

            skipped += info.Shape[0];
        }
    }

    // Every row consists of a piece from each shard. The pieces of many rows are read at once and then put into place.
    private void ReadColumns(RowChunk chunk, Span<byte> destination)
    {
        var column = 0;
        foreach (var (source, info) in Parts)
        {
            var pieceBytes = (int)info.Shape[1] * info.DType.Size();
            var pieces = chunk.Scratch.Get<byte>(ScratchSlot.Pieces, pieceBytes * chunk.Rows);
            source.Read(info, chunk.FirstRow * pieceBytes, pieces);
            for (var row = 0; row < chunk.Rows; row++)
            {
                pieces.Slice(row * pieceBytes, pieceBytes).CopyTo(destination[((row * RowBytes) + column)..]);
            }

            column += pieceBytes;
        }
    }
}

/// <summary>The buffers that are in use at the same time.</summary>
internal static class ScratchSlot
{
    public const int Rows = 0;
    public const int Permuted = 1;
    public const int Pieces = 2;
}
