using System.Buffers;

namespace Alpaca.Formats;

/// <summary>Writes a model as Meta's shards: names turned back, the heads' rows in Meta's order, each tensor split as model-parallel loading expects.</summary>
/// <remarks>
/// The inverse of <see cref="MetaModel"/>. Tensors and parts are given under Hugging Face's names and in its order of rows. Where rows do not divide, the last shard takes
/// the remainder (49953 on two shards is 24976 and 24977), as <c>merge_llama_with_chinese_lora.py</c> has it. Meta's format has no tied embeddings: their output layer is
/// written from the embedding. Writing whole heads (<see cref="BlockRows"/>) is fastest.
/// </remarks>
public sealed class MetaModelWriter : ITensorWriter
{
    private const int MaxPiecesBytes = 1 << 20;

    private readonly List<PthWriter> _shards = [];
    private readonly List<string> _fileNames = [];
    private readonly Dictionary<string, ShardedTensor> _byName = new(StringComparer.Ordinal);
    private readonly ShardedReader _readBack;
    private readonly ShardedTensor? _tiedOutput;

    /// <summary>Creates the files and reserves their room on the disk.</summary>
    /// <param name="folder">The folder; it exists.</param>
    /// <param name="config">The model's configuration.</param>
    /// <param name="tensors">What will be written.</param>
    /// <param name="shardCount">The number of shards; divides the columns of what is split by columns.</param>
    /// <param name="embeddingSplit">How the shards share the embedding. The default is none: <see cref="MetaLayout.EmbeddingSplit"/>.</param>
    /// <param name="isSparse">Whether parts that are all zero take no room on the disk, which is then not reserved either. The default is <see langword="false"/>.</param>
    /// <exception cref="Alpaca.Abstractions.AlpacaException">A file cannot be created or the disk is too full.</exception>
    public MetaModelWriter(string folder, LlamaConfig config, IReadOnlyList<TensorInfo> tensors, int shardCount, MetaSplit? embeddingSplit = null, bool isSparse = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentOutOfRangeException.ThrowIfLessThan(shardCount, 1);
        Tensors = tensors;
        _readBack = new ShardedReader((shard, part, byteOffset, destination) => _shards[shard].Read(part.Name, byteOffset, destination));
        var names = MetaTensorNames.Enumerate(config.NumHiddenLayers, embeddingSplit ?? MetaLayout.EmbeddingSplit(config)).ToDictionary(t => t.HuggingFace, StringComparer.Ordinal);
        var written = tensors.Select(Split).ToList();
        foreach (var tensor in written)
        {
            _byName.Add(tensor.Info.Name, tensor);
        }

        if (config.TieWordEmbeddings && !_byName.ContainsKey(LlamaTensorNames.LmHead) && _byName.TryGetValue(LlamaTensorNames.EmbedTokens, out var embedding))
        {
            written.Add(_tiedOutput = Split(embedding.Info with { Name = LlamaTensorNames.LmHead }));
        }

        try
        {
            for (var i = 0; i < shardCount; i++)
            {
                _fileNames.Add(MetaTensorNames.ShardFile(i));
                _shards.Add(new PthWriter(Path.Combine(folder, _fileNames[i]), [.. written.Select(t => t.Parts[i])], isSparse));
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        ShardedTensor Split(TensorInfo tensor) => new(names[tensor.Name], [.. Enumerable.Range(0, shardCount).Select(shard => PartOf(tensor, names[tensor.Name], shard, shardCount))], config.HeadDim);
    }

    /// <inheritdoc />
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>The names of the shards' files, in order.</summary>
    public IReadOnlyList<string> FileNames => _fileNames;

    /// <summary>The rows of a tensor that are best written together: those of a head where the layouts have them in another order, 1 elsewhere.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    public int BlockRows(TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return Get(tensor.Name).BlockRows;
    }

    /// <inheritdoc />
    public void Write(string name, long byteOffset, ReadOnlySpan<byte> data)
    {
        var tensor = Get(name);
        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(byteOffset, tensor.Info.ByteLength - data.Length);
        if (!tensor.IsRotated)
        {
            WriteStored(tensor, byteOffset, data);
            if (_tiedOutput is not null && name == LlamaTensorNames.EmbedTokens)
            {
                WriteStored(_tiedOutput, byteOffset, data);
            }

            return;
        }

        while (!data.IsEmpty)
        {
            var length = tensor.WholeHeads(byteOffset, data.Length);
            if (length > 0)
            {
                WriteHeads(tensor, byteOffset, data[..length]);
            }
            else
            {
                (var stored, length) = tensor.StoredRow(byteOffset, data.Length);
                WriteStored(tensor, stored, data[..length]);
            }

            byteOffset += length;
            data = data[length..];
        }
    }

    /// <inheritdoc />
    public void Read(string name, long byteOffset, Span<byte> destination) => _readBack.Read(Get(name), byteOffset, destination);

    /// <inheritdoc />
    public void Complete()
    {
        foreach (var shard in _shards)
        {
            shard.ThrowIfIncomplete();
        }

        foreach (var shard in _shards)
        {
            shard.Complete();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var shard in _shards)
        {
            shard.Dispose();
        }
    }

    private ShardedTensor Get(string name) => _byName.TryGetValue(name, out var tensor) ? tensor : throw new ArgumentException($"The tensor {name} was not announced.", nameof(name));

    private static TensorInfo PartOf(TensorInfo tensor, MetaTensor meta, int shard, int count)
    {
        IReadOnlyList<long> shape = meta.Split switch
        {
            MetaSplit.Rows => [RowsOf(tensor.Shape[0], shard, count), tensor.Shape[1]],
            MetaSplit.Columns when tensor.Shape[1] % count != 0 => throw new ArgumentException($"{tensor.Name} has {tensor.Shape[1]} columns, not a multiple of {count} shards.", nameof(tensor)),
            MetaSplit.Columns => [tensor.Shape[0], tensor.Shape[1] / count],
            _ => tensor.Shape,
        };
        return new TensorInfo(meta.Meta, tensor.DType, shape);
    }

    // A vocabulary need not be divisible: the last shard takes the remainder.
    private static long RowsOf(long rows, int shard, int count) => shard == count - 1 ? rows - (rows / count * shard) : rows / count;

    private void WriteHeads(ShardedTensor tensor, long byteOffset, ReadOnlySpan<byte> data)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(data.Length);
        try
        {
            var pairs = buffer.AsSpan(0, data.Length);
            RotaryPermutation.HalvesToPairs(data, pairs, tensor.BlockRows, tensor.RowBytes);
            WriteStored(tensor, byteOffset, pairs);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // In the stored order of rows.
    private void WriteStored(ShardedTensor tensor, long offset, ReadOnlySpan<byte> data)
    {
        if (tensor.Split == MetaSplit.Replicated)
        {
            foreach (var (shard, part) in _shards.Zip(tensor.Parts))
            {
                shard.Write(part.Name, offset, data);
            }

            return;
        }

        while (!data.IsEmpty)
        {
            var length = tensor.IsInterleaved ? tensor.WholeRows(offset, data.Length) : 0;
            if (length > 0)
            {
                WriteRows(tensor, offset / tensor.RowBytes, data[..length]);
            }
            else
            {
                (var part, var inPart, length) = tensor.StoredPiece(offset, data.Length);
                _shards[part].Write(tensor.Parts[part].Name, inPart, data[..length]);
            }

            offset += length;
            data = data[length..];
        }
    }

    // Every row is cut into a piece for each shard. The pieces of many rows are put side by side and written at once.
    private void WriteRows(ShardedTensor tensor, long firstRow, ReadOnlySpan<byte> data)
    {
        var pieceBytes = tensor.PieceBytes(0);
        var rowsAtOnce = Math.Clamp(MaxPiecesBytes / pieceBytes, 1, data.Length / tensor.RowBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(rowsAtOnce * pieceBytes);
        try
        {
            while (!data.IsEmpty)
            {
                var rows = Math.Min(rowsAtOnce, data.Length / tensor.RowBytes);
                var pieces = buffer.AsSpan(0, rows * pieceBytes);
                for (var part = 0; part < tensor.Parts.Count; part++)
                {
                    for (var row = 0; row < rows; row++)
                    {
                        data.Slice((row * tensor.RowBytes) + tensor.PieceBegin(part), pieceBytes).CopyTo(pieces[(row * pieceBytes)..]);
                    }

                    _shards[part].Write(tensor.Parts[part].Name, firstRow * pieceBytes, pieces);
                }

                firstRow += rows;
                data = data[(rows * tensor.RowBytes)..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
