using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>An original checkpoint whose shards have been checked against each other and against <c>params.json</c>.</summary>
internal sealed class MetaCheckpoint : IDisposable
{
    private readonly List<ITensorSource> _shards = [];

    private MetaCheckpoint(CheckpointLocation location, MetaParameters parameters)
    {
        Location = location;
        Parameters = parameters;
    }

    public CheckpointLocation Location { get; }

    public MetaParameters Parameters { get; }

    /// <summary>The whole tensors, in the order of Hugging Face's state_dict.</summary>
    public IReadOnlyList<ShardedTensor> Tensors { get; private set; } = [];

    public ShardedTensor Embedding => Tensors[0];

    /// <summary>Width of the feed-forward layers, as the tensors have it.</summary>
    public int FeedForwardDim { get; private set; }

    /// <exception cref="AlpacaException">Shards are missing, damaged or do not fit together; lists all problems.</exception>
    public static MetaCheckpoint Open(CheckpointLocation location)
    {
        var checkpoint = new MetaCheckpoint(location, MetaParameters.Load(Path.Combine(location.Folder, MetaParameters.FileName)));
        try
        {
            checkpoint.OpenShards();
            checkpoint.ThrowIfShardsAreMissing();
            checkpoint.Tensors = checkpoint.Join();
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var shard in _shards)
        {
            shard.Dispose();
        }
    }

    private void OpenShards()
    {
        var problems = new List<string>();
        foreach (var path in Location.Shards)
        {
            try
            {
                _shards.Add(TensorSource.Open(path));
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

    // A shard says how many there are: it has dim / shards rows of the query projection. That finds the last shard missing, which numbering cannot.
    private void ThrowIfShardsAreMissing()
    {
        var queries = _shards[0].Find("layers.0.attention.wq.weight");
        if (queries is not { Shape: [> 0 and var rows, _] } || Parameters.Dim % rows != 0 || Parameters.Dim / rows is var expected && expected <= _shards.Count)
        {
            return;
        }

        var missing = Enumerable.Range(_shards.Count, (int)Math.Min(expected - _shards.Count, 16)).Select(MetaTensorNames.ShardFile).ToList();
        throw CheckpointLocation.MissingShards(Location.Folder, missing, (int)expected);
    }

    private List<ShardedTensor> Join()
    {
        var problems = new List<string>();
        var tensors = new List<ShardedTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal) { MetaTensorNames.RopeFrequencies };
        foreach (var tensor in MetaTensorNames.Enumerate(Parameters.NLayers))
        {
            names.Add(tensor.Meta);
            if (ShardedTensor.TryJoin(WithActualSplit(tensor), _shards, Location.Shards, problems) is { } joined)
            {
                tensors.Add(joined);
            }

            // params.json may claim any number of layers.
            if (problems.Count > 100)
            {
                break;
            }
        }

        if (problems.Count == 0)
        {
            problems.AddRange(_shards[0].Tensors
                .Where(t => !names.Contains(t.Name) && !t.Name.EndsWith("inner_attention.rope.freqs", StringComparison.Ordinal))
                .Select(t => $"{t.Name} is no part of a LLaMA with {Parameters.NLayers} layers"));
            problems.AddRange(FindWrongShapes(tensors));
        }

        return problems.Count == 0
            ? tensors
            : throw new AlpacaException($"The weights in {Location.Folder} do not fit its {MetaParameters.FileName}: {Listing.Of(problems, "; ")}.");
    }

    // LLaMA 1 and 2 split the embedding by columns, LLaMA 3 by rows; the width of a part tells which.
    private MetaTensor WithActualSplit(MetaTensor tensor) =>
        tensor.Meta == MetaTensorNames.TokEmbeddings && _shards[0].Find(tensor.Meta) is { Shape: [_, var columns] } && columns == Parameters.Dim
            ? tensor with { Split = MetaSplit.Rows }
            : tensor;

    private IEnumerable<string> FindWrongShapes(List<ShardedTensor> tensors)
    {
        var byName = tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);
        var feedForward = byName[LlamaTensorNames.Projection(0, "gate_proj")].Info.Shape[0];
        FeedForwardDim = checked((int)feedForward);
        if (feedForward != Parameters.FeedForwardDim)
        {
            yield return $"the feed-forward layers are {feedForward} wide, multiple_of {Parameters.MultipleOf} gives {Parameters.FeedForwardDim}";
        }

        var vocabulary = checked((int)byName[LlamaTensorNames.EmbedTokens].Info.Shape[0]);
        if (Parameters.VocabSize > 0 && Parameters.VocabSize != vocabulary)
        {
            yield return $"the embedding has {vocabulary} rows, vocab_size is {Parameters.VocabSize}";
        }

        foreach (var expected in LlamaTensorNames.Describe(LlamaConfiguration.Of(this, vocabulary, FeedForwardDim, DType.Float16)))
        {
            var actual = byName[expected.Name].Info.Shape;
            if (!actual.SequenceEqual(expected.Shape))
            {
                yield return $"{expected.Name} would be [{string.Join(", ", actual)}], expected [{string.Join(", ", expected.Shape)}]";
            }
        }
    }
}
