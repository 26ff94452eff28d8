using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>How a model is laid out in Meta's original format: parameters and number of shards.</summary>
internal static class MetaLayout
{
    // Meta's sizes by width; any other model is written as one shard.
    private static readonly Dictionary<int, int> ShardsByHiddenSize = new() { [4096] = 1, [5120] = 2, [6656] = 4, [8192] = 8 };

    public static int ShardCount(LlamaConfig config) => ShardsByHiddenSize.GetValueOrDefault(config.HiddenSize, 1);

    public static MetaParameters ParametersOf(LlamaConfig config) => new MetaParameters
    {
        Dim = config.HiddenSize,
        NLayers = config.NumHiddenLayers,
        NHeads = config.NumAttentionHeads,
        NKvHeads = config.NumKeyValueHeads == config.NumAttentionHeads ? null : config.NumKeyValueHeads,
        NormEps = config.RmsNormEps,
        RopeTheta = config.RopeTheta,
    }.WithFeedForwardDim(config.IntermediateSize);

    /// <summary>What Meta's format cannot say about a model.</summary>
    public static IEnumerable<string> FindObstacles(LlamaConfig config)
    {
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
