namespace Alpaca.Formats;

/// <summary>What corresponds to what between a Hugging Face configuration and Meta's <c>params.json</c> and number of shards.</summary>
public static class MetaLayout
{
    // Meta's sizes by width; any other model is written as one shard.
    private static readonly Dictionary<int, int> ShardsByHiddenSize = new() { [4096] = 1, [5120] = 2, [6656] = 4, [8192] = 8 };

    /// <summary>How many shards Meta's model of that width has; 1 for a width that Meta has no model of.</summary>
    public static int ShardCount(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return ShardsByHiddenSize.GetValueOrDefault(config.HiddenSize, 1);
    }

    /// <summary>The <c>params.json</c> of a model.</summary>
    public static MetaParameters ParametersOf(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new MetaParameters
        {
            Dim = config.HiddenSize,
            NLayers = config.NumHiddenLayers,
            NHeads = config.NumAttentionHeads,
            NKvHeads = config.NumKeyValueHeads == config.NumAttentionHeads ? null : config.NumKeyValueHeads,
            NormEps = config.RmsNormEps,
            RopeTheta = config.RopeTheta,
        }.WithFeedForwardDim(config.IntermediateSize);
    }

    /// <summary>The configuration as far as <c>params.json</c> and the tensors tell it; the rest has its default.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="vocabularySize">Rows of the embedding.</param>
    /// <param name="feedForwardDim">Width of the feed-forward layers.</param>
    /// <param name="dtype">Element type of the weights.</param>
    public static LlamaConfig ConfigOf(MetaParameters parameters, int vocabularySize, int feedForwardDim, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new LlamaConfig
        {
            HiddenSize = parameters.Dim,
            IntermediateSize = feedForwardDim,
            NumHiddenLayers = parameters.NLayers,
            NumAttentionHeads = parameters.NHeads,
            NumKeyValueHeads = parameters.NKvHeads ?? parameters.NHeads,
            VocabSize = vocabularySize,
            RmsNormEps = parameters.NormEps,
            RopeTheta = parameters.RopeTheta,
            TorchDType = dtype,
        };
    }

    /// <summary>What Meta's format cannot say about a model; empty when it can say everything. Each is a sentence with the mend.</summary>
    public static IEnumerable<string> FindObstacles(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        const string Instead = "choose the output type huggingface";
        if (config.TieWordEmbeddings)
        {
            yield return $"Meta's format has no tied embeddings; {Instead}.";
        }

        if (config.RopeScaling is { } scaling)
        {
            yield return $"Meta's format has no rope_scaling ({scaling.Type}); {Instead}.";
        }

        if (config.HeadDim * config.NumAttentionHeads != config.HiddenSize)
        {
            yield return $"Meta's format needs heads of hidden_size / num_attention_heads = {config.HiddenSize / config.NumAttentionHeads}, these are {config.HeadDim} wide; {Instead}.";
        }

        var shards = ShardCount(config);
        foreach (var (what, size) in (IEnumerable<(string, int)>)
            [
                ("hidden_size", config.HiddenSize), ("intermediate_size", config.IntermediateSize),
                ("num_attention_heads", config.NumAttentionHeads), ("num_key_value_heads", config.NumKeyValueHeads),
            ])
        {
            if (size % shards != 0)
            {
                yield return $"Models {config.HiddenSize} wide are split into {shards} shards, but {what} {size} is not a multiple of that; {Instead}.";
            }
        }
    }
}
