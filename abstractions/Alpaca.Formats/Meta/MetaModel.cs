using System.Buffers;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>An original LLaMA checkpoint as one model: whole tensors, joined from its shards, under Hugging Face's names and with the heads' rows in Hugging Face's order.</summary>
/// <remarks>
/// Pure data movement: every element keeps its bits. Reading whole heads (<see cref="BlockRows"/>) takes one read for each shard; smaller parts cost a read for each row.
/// Nothing is held but a few MB while a part is read. Semantics of transformers' <c>convert_llama_weights_to_hf.py</c>.
/// </remarks>
public sealed class MetaModel : ITensorSource
{
    // What is read at once to be put in order: large enough that a system call costs nothing, small enough for the processor's cache.
    private const int MaxPiecesBytes = 1 << 20;

    private readonly List<ITensorSource> _shards = [];
    private readonly Dictionary<string, ShardedTensor> _byName = new(StringComparer.Ordinal);

    private MetaModel(string folder, MetaParameters parameters, IReadOnlyList<string> files)
    {
        Folder = folder;
        Parameters = parameters;
        ShardFiles = files;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Its <c>params.json</c>.</summary>
    public MetaParameters Parameters { get; }

    /// <summary>The paths of the shards, in order.</summary>
    public IReadOnlyList<string> ShardFiles { get; }

    /// <summary>The configuration as far as <c>params.json</c> and the tensors tell it; the tensors have the shapes it implies.</summary>
    public LlamaConfig Config { get; private set; } = null!;

    /// <summary>How the shards share the embedding; <see langword="null"/> for one shard, which does not tell.</summary>
    public MetaSplit? EmbeddingSplit => ShardFiles.Count > 1 ? _byName[LlamaTensorNames.EmbedTokens].Split : null;

    /// <summary>The whole tensors, in the order of Hugging Face's state_dict; without an output layer where the checkpoint has none, whose <see cref="Config"/> then ties it to the embedding.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; private set; } = [];

    /// <summary>Opens a checkpoint and checks its shards against each other and against <c>params.json</c>.</summary>
    /// <param name="folder">The folder with <c>params.json</c> and <c>consolidated.NN.pth</c>. How many shards there must be is told by their tensors.</param>
    /// <exception cref="AlpacaException">Shards are missing, damaged or do not fit together; lists all problems.</exception>
    public static MetaModel Open(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var parameters = MetaParameters.Load(Path.Combine(folder, MetaParameters.FileName));
        var model = new MetaModel(folder, parameters, MetaShards.Find(folder));
        try
        {
            model.OpenShards();
            MetaShards.Check(folder, model.ShardFiles, model._shards[0], parameters);
            model.Join();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public TensorInfo? Find(string name) => _byName.GetValueOrDefault(name)?.Info;

    /// <summary>The rows of a tensor that are best read together: those of a head where the layouts have them in another order, 1 elsewhere.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    public int BlockRows(TensorInfo tensor) => Get(tensor).BlockRows;

    /// <inheritdoc />
    public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination)
    {
        var sharded = Get(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(byteOffset, sharded.Info.ByteLength - destination.Length);
        if (!sharded.IsRotated)
        {
            ReadStored(sharded, byteOffset, destination);
            return;
        }

        while (!destination.IsEmpty)
        {
            var length = sharded.WholeHeads(byteOffset, destination.Length);
            if (length > 0)
            {
                ReadHeads(sharded, byteOffset, destination[..length]);
            }
            else
            {
                (var stored, length) = sharded.StoredRow(byteOffset, destination.Length);
                ReadStored(sharded, stored, destination[..length]);
            }

            byteOffset += length;
            destination = destination[length..];
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

    private ShardedTensor Get(TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return _byName.TryGetValue(tensor.Name, out var sharded) ? sharded : throw new ArgumentException($"There is no tensor {tensor.Name}.", nameof(tensor));
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
                _shards[part].Read(tensor.Parts[part], inPart, destination[..length]);
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
                    _shards[part].Read(tensor.Parts[part], firstRow * pieceBytes, pieces);
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

    private void OpenShards()
    {
        var problems = new List<string>();
        foreach (var path in ShardFiles)
        {
            try
            {
                _shards.Add(TensorSource.OpenFile(path));
            }
            catch (AlpacaException e)
            {
                problems.Add(e.Message);
            }
        }

        if (problems.Count > 0)
        {
            throw new AlpacaException(string.Join(Environment.NewLine, problems));
        }
    }

    private void Join()
    {
        var join = new ShardJoin(_shards, ShardFiles, Parameters);
        foreach (var tensor in join.Run())
        {
            _byName.Add(tensor.Info.Name, tensor);
        }

        if (join.Problems.Count > 0)
        {
            throw new AlpacaException($"The weights in {Folder} do not fit its {MetaParameters.FileName}: {Listing.Of(join.Problems, "; ")}.");
        }

        Config = join.Config!;
        Tensors = [.. _byName.Values.Select(t => t.Info)];
    }
}
