using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>Writes a model as Meta's shards: names turned back, the heads' rows in Meta's order, each tensor split as model-parallel loading expects.</summary>
internal sealed class MetaModelWriter : IDisposable
{
    private readonly LlamaConfig _config;
    private readonly List<PthWriter> _shards = [];
    private readonly Dictionary<string, MetaTensor> _byHuggingFaceName;

    public MetaModelWriter(string folder, LlamaConfig config, IReadOnlyList<TensorInfo> tensors, int shardCount)
    {
        _config = config;
        _byHuggingFaceName = MetaTensorNames.Enumerate(config.NumHiddenLayers).ToDictionary(t => t.HuggingFace, StringComparer.Ordinal);
        try
        {
            for (var i = 0; i < shardCount; i++)
            {
                var name = MetaTensorNames.ShardFile(i);
                FileNames.Add(name);
                _shards.Add(new PthWriter(Path.Combine(folder, name), [.. tensors.Select(t => PartOf(t, i, shardCount))]));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public List<string> FileNames { get; } = [];

    /// <summary>Rows that must be written together: those of a head where Meta's order differs.</summary>
    public int BlockRows(TensorInfo tensor) => _byHuggingFaceName[tensor.Name].Rotation == MetaRotation.None ? 1 : _config.HeadDim;

    /// <summary>Writes rows given in Hugging Face's order.</summary>
    public void WriteRows(TensorInfo tensor, RowChunk chunk, Span<byte> rows)
    {
        var meta = _byHuggingFaceName[tensor.Name];
        var rowBytes = rows.Length / chunk.Rows;
        if (meta.Rotation != MetaRotation.None)
        {
            var pairs = chunk.Scratch.Get<byte>(ScratchSlot.Reordered, rows.Length);
            RotaryPermutation.HalvesToPairs(rows, pairs, _config.HeadDim, rowBytes);
            rows = pairs;
        }

        switch (meta.Split)
        {
            case MetaSplit.Rows: WriteToRowShards(meta.Meta, tensor.Shape[0], chunk.FirstRow, rowBytes, rows); break;
            case MetaSplit.Columns: WriteToColumnShards(meta.Meta, chunk, rowBytes, rows); break;
            default:
                foreach (var shard in _shards)
                {
                    shard.Write(meta.Meta, chunk.FirstRow * rowBytes, rows);
                }

                break;
        }
    }

    public void Complete()
    {
        foreach (var shard in _shards)
        {
            shard.Complete();
        }
    }

    public void Dispose()
    {
        foreach (var shard in _shards)
        {
            shard.Dispose();
        }
    }

    private TensorInfo PartOf(TensorInfo tensor, int shard, int count)
    {
        var meta = _byHuggingFaceName[tensor.Name];
        IReadOnlyList<long> shape = meta.Split switch
        {
            MetaSplit.Rows => [RowsOf(tensor.Shape[0], shard, count), tensor.Shape[1]],
            MetaSplit.Columns => [tensor.Shape[0], tensor.Shape[1] / count],
            _ => tensor.Shape,
        };
        return new TensorInfo(meta.Meta, tensor.DType, shape);
    }

    // A vocabulary need not be divisible: the last shard takes the remainder (49953 on two shards is 24976 and 24977).
    private static long RowsOf(long rows, int shard, int count) => shard == count - 1 ? rows - (rows / count * shard) : rows / count;

    private void WriteToRowShards(string name, long allRows, long firstRow, int rowBytes, ReadOnlySpan<byte> rows)
    {
        var rowsPerShard = allRows / _shards.Count;
        while (!rows.IsEmpty)
        {
            var shard = rowsPerShard == 0 ? _shards.Count - 1 : (int)Math.Min(firstRow / rowsPerShard, _shards.Count - 1);
            var inShard = firstRow - (shard * rowsPerShard);
            var bytes = (int)Math.Min((RowsOf(allRows, shard, _shards.Count) - inShard) * rowBytes, rows.Length);
            _shards[shard].Write(name, inShard * rowBytes, rows[..bytes]);
            rows = rows[bytes..];
            firstRow += bytes / rowBytes;
        }
    }

    private void WriteToColumnShards(string name, RowChunk chunk, int rowBytes, ReadOnlySpan<byte> rows)
    {
        var pieceBytes = rowBytes / _shards.Count;
        if (_shards.Count == 1)
        {
            _shards[0].Write(name, chunk.FirstRow * rowBytes, rows);
            return;
        }

        var pieces = chunk.Scratch.Get<byte>(ScratchSlot.Before, chunk.Rows * pieceBytes);
        for (var shard = 0; shard < _shards.Count; shard++)
        {
            for (var row = 0; row < chunk.Rows; row++)
            {
                rows.Slice((row * rowBytes) + (shard * pieceBytes), pieceBytes).CopyTo(pieces[(row * pieceBytes)..]);
            }

            _shards[shard].Write(name, chunk.FirstRow * pieceBytes, pieces);
        }
    }
}
