using System.Globalization;

namespace Alpaca.Formats;

/// <summary>What corresponds to what between a Hugging Face configuration and Meta's <c>params.json</c> and number of shards.</summary>
public static class MetaLayout
{
    // Llama 3's: 128,000 pieces and 256 special tokens.
    private const int Llama3VocabularySize = 128_256;

    // What Meta's code scales by where params.json does not say.
    private const double DefaultRopeScalingFactor = 8;

    /// <summary>How many shards Meta's model of that shape has; 1 for a width that Meta has no model of.</summary>
    public static int ShardCount(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return MetaSizes.ShardCount(config.HiddenSize, config.NumHiddenLayers);
    }

    /// <summary>Whether a model is of Llama 3's kind, by its vocabulary or its scaled positions.</summary>
    public static bool IsLlama3(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return config.VocabSize >= Llama3VocabularySize || config.RopeScaling is { Type: "llama3" };
    }

    /// <summary>How shards share the embedding: LLaMA 1 and 2 split it by columns, Llama 3 by rows (vocabulary-parallel).</summary>
    public static MetaSplit EmbeddingSplit(LlamaConfig config) => IsLlama3(config) ? MetaSplit.Rows : MetaSplit.Columns;

    /// <summary>The scaling of Llama 3.1 and later, whose other numbers are fixed in Meta's code (<c>apply_scaling</c>).</summary>
    /// <param name="factor">How much longer the context is: 8 for Llama 3.1, 32 for Llama 3.2.</param>
    public static RopeScaling Llama3RopeScaling(double factor) => new("llama3", factor) { LowFreqFactor = 1, HighFreqFactor = 4, OriginalMaxPositionEmbeddings = 8192 };

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
            UseScaledRope = config.RopeScaling is not null,
            RopeScalingFactor = config.RopeScaling is { Factor: not DefaultRopeScalingFactor and var factor } ? factor : null,
            VocabSize = IsLlama3(config) ? config.VocabSize : -1,
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
            RopeScaling = parameters.UseScaledRope ? Llama3RopeScaling(parameters.RopeScalingFactor ?? DefaultRopeScalingFactor) : null,
            TorchDType = dtype,
        };
    }

    /// <summary>Why a model cannot be written in Meta's format; empty when it can. Each reason is a sentence with the mend.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="shards">The number of shards. The default is none: <see cref="ShardCount"/>.</param>
    public static IEnumerable<string> FindObstacles(LlamaConfig config, int? shards = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        const string Instead = "choose the output type huggingface";
        if (config.RopeScaling is { } scaling && scaling != Llama3RopeScaling(scaling.Factor))
        {
            yield return scaling.Type == "llama3"
                ? $"Meta's format has only Llama 3.1's own rope_scaling (low_freq_factor 1, high_freq_factor 4, original_max_position_embeddings 8192); {Instead}."
                : $"Meta's format has no rope_scaling of type {scaling.Type}; {Instead}.";
        }

        if (config.HeadDim * config.NumAttentionHeads != config.HiddenSize)
        {
            yield return $"Meta's format needs heads of hidden_size / num_attention_heads = {config.HiddenSize / config.NumAttentionHeads}, these are {config.HeadDim} wide; {Instead}.";
        }

        var count = shards ?? ShardCount(config);
        (string Name, int Value)[] sizes =
        [
            ("hidden_size", config.HiddenSize), ("intermediate_size", config.IntermediateSize),
            ("num_attention_heads", config.NumAttentionHeads), ("num_key_value_heads", config.NumKeyValueHeads),
        ];
        if (Array.FindAll(sizes, s => count < 1 || s.Value % count != 0) is { Length: > 0 } undivided)
        {
            var fitting = Enumerable.Range(1, config.NumKeyValueHeads).Where(n => Array.TrueForAll(sizes, s => s.Value % n == 0)).Select(n => n.ToString(CultureInfo.InvariantCulture));
            yield return $"The model cannot be split into {count} shards, of which {string.Join(", ", undivided.Select(s => $"{s.Name} {s.Value}"))} {(undivided.Length == 1 ? "is" : "are")} no multiple; "
                + $"convert it into {Listing.Of([.. fitting])} (--num-shards), or {Instead}.";
        }
    }
}
