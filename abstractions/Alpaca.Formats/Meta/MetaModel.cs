using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>An original LLaMA checkpoint as one model: whole tensors, joined from its shards, under Hugging Face's names and with the heads' rows in Hugging Face's order.</summary>
/// <remarks>
/// Pure data movement: every element keeps its bits. Reading whole heads (<see cref="BlockRows"/>) takes one read for each shard; smaller parts cost a read for each row.
/// Nothing is held but a few MB while a part is read. Semantics of transformers' <c>convert_llama_weights_to_hf.py</c>.
/// </remarks>
public sealed class MetaModel : ITensorSource
{
    private readonly List<ITensorSource> _shards = [];
    private readonly Dictionary<string, ShardedTensor> _byName = new(StringComparer.Ordinal);
    private readonly ShardedReader _reader;

    private MetaModel(string folder, MetaParameters parameters, IReadOnlyList<string> files)
    {
        Folder = folder;
        Parameters = parameters;
        ShardFiles = files;
        _reader = new ShardedReader((shard, part, byteOffset, destination) => _shards[shard].Read(part, byteOffset, destination));
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
        _reader.Read(sharded, byteOffset, destination);
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
