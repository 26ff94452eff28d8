namespace Alpaca.Formats;

/// <summary>Joins the tensors of the shards and collects what does not fit.</summary>
internal sealed class ShardJoin(IReadOnlyList<ITensorSource> shards, IReadOnlyList<string> files, MetaParameters parameters)
{
    // params.json may claim any number of layers; past so many absent tensors there is no use in counting on.
    private const int EnoughProblems = 100;

    // No LLaMA comes near; a damaged file may claim anything, and rows must fit into memory.
    private const long MaxSize = 1 << 28;

    public List<string> Problems { get; } = [];

    /// <summary>What the parameters and the tensors tell; set when there are no problems.</summary>
    public LlamaConfig? Config { get; private set; }

    /// <summary>The whole tensors, in Hugging Face's order; incomplete when there are problems.</summary>
    public IReadOnlyList<ShardedTensor> Run()
    {
        var tensors = new List<ShardedTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal) { MetaTensorNames.RopeFrequencies };
        var isTied = shards.All(s => s.Find(MetaTensorNames.Output) is null);
        foreach (var tensor in MetaTensorNames.Enumerate(parameters.NLayers, FindEmbeddingSplit()))
        {
            names.Add(tensor.Meta);
            if (isTied && tensor.Meta == MetaTensorNames.Output)
            {
                continue;
            }

            if (TryJoin(tensor) is { } joined)
            {
                tensors.Add(joined);
            }

            if (Problems.Count > EnoughProblems)
            {
                break;
            }
        }

        if (Problems.Count == 0)
        {
            Problems.AddRange(shards[0].Tensors
                .Where(t => !names.Contains(t.Name) && !t.Name.EndsWith("inner_attention.rope.freqs", StringComparison.Ordinal))
                .Select(t => $"{t.Name} is no part of a LLaMA with {parameters.NLayers} layers"));
            CheckShapes(tensors.ToDictionary(t => t.Info.Name, t => t.Info, StringComparer.Ordinal), isTied);
        }

        return tensors;
    }

    // LLaMA 1 and 2 split the embedding by columns, Llama 3 by rows; the width of a part tells which.
    private MetaSplit FindEmbeddingSplit() =>
        shards[0].Find(MetaTensorNames.TokEmbeddings) is { Shape: [_, var columns] } && columns == parameters.Dim ? MetaSplit.Rows : MetaSplit.Columns;

    private ShardedTensor? TryJoin(MetaTensor tensor)
    {
        var parts = new List<TensorInfo>(shards.Count);
        var dimensions = tensor.Split == MetaSplit.Replicated ? 1 : 2;
        for (var i = 0; i < shards.Count; i++)
        {
            var file = Path.GetFileName(files[i]);
            if (shards[i].Find(tensor.Meta) is not { } part)
            {
                Problems.Add($"{tensor.Meta} is missing in {file}");
            }
            else if (part.Shape.Count != dimensions || part.ElementCount == 0)
            {
                Problems.Add($"{tensor.Meta} is [{string.Join(", ", part.Shape)}] in {file}, expected {dimensions} dimensions");
            }
            else if (part.Shape.Any(size => size > MaxSize))
            {
                Problems.Add($"{tensor.Meta} is [{string.Join(", ", part.Shape)}] in {file}, larger than any LLaMA's");
            }
            else if (part.DType is not (DType.Float16 or DType.BFloat16 or DType.Float32))
            {
                Problems.Add($"{tensor.Meta} holds {part.DType.TorchName()} in {file}, expected float16, bfloat16 or float32");
            }
            else
            {
                parts.Add(part);
            }
        }

        if (parts.Count != shards.Count)
        {
            return null;
        }

        var kept = tensor.Split == MetaSplit.Columns ? 0 : dimensions - 1;
        if (parts.Any(p => p.DType != parts[0].DType || p.Shape[kept] != parts[0].Shape[kept]))
        {
            Problems.Add($"{tensor.Meta} differs in shape or type between the shards");
            return null;
        }

        if (tensor.Split != MetaSplit.Replicated && parts.Sum(p => p.Shape[1 - kept]) is > MaxSize and var sum)
        {
            Problems.Add($"{tensor.Meta} would have {sum} {(tensor.Split == MetaSplit.Rows ? "rows" : "columns")}, more than any LLaMA's");
            return null;
        }

        return new ShardedTensor(tensor, parts, parameters.HeadDim);
    }

    private void CheckShapes(Dictionary<string, TensorInfo> tensors, bool isTied)
    {
        var embedding = tensors[LlamaTensorNames.EmbedTokens];
        var feedForward = tensors[LlamaTensorNames.Projection(0, "gate_proj")].Shape[0];
        Config = MetaLayout.ConfigOf(parameters, checked((int)embedding.Shape[0]), checked((int)feedForward), embedding.DType) with { TieWordEmbeddings = isTied };
        if (feedForward != parameters.FeedForwardDim)
        {
            Problems.Add($"the feed-forward layers are {feedForward} wide, multiple_of {parameters.MultipleOf} gives {parameters.FeedForwardDim}");
        }

        if (parameters.VocabSize > 0 && parameters.VocabSize != embedding.Shape[0])
        {
            Problems.Add($"the embedding has {embedding.Shape[0]} rows, vocab_size is {parameters.VocabSize}");
        }

        foreach (var expected in LlamaTensorNames.Describe(Config))
        {
            var actual = tensors[expected.Name].Shape;
            if (!actual.SequenceEqual(expected.Shape))
            {
                Problems.Add($"{expected.Name} would be [{string.Join(", ", actual)}], expected [{string.Join(", ", expected.Shape)}]");
            }
        }
    }
}
