using System.Globalization;

namespace Alpaca.Formats;

/// <summary>The names of a LLaMA's tensors in Hugging Face's layout.</summary>
public static class LlamaTensorNames
{
    /// <summary>The embedding, [VocabSize, HiddenSize].</summary>
    public const string EmbedTokens = "model.embed_tokens.weight";

    /// <summary>The last RMSNorm, [HiddenSize].</summary>
    public const string Norm = "model.norm.weight";

    /// <summary>The output layer, [VocabSize, HiddenSize]; absent when it is tied to the embedding.</summary>
    public const string LmHead = "lm_head.weight";

    private const string RotaryFrequencies = ".rotary_emb.inv_freq";

    /// <summary>The linear layers of a decoder layer: <c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c>, <c>o_proj</c>, <c>gate_proj</c>, <c>up_proj</c>, <c>down_proj</c>.</summary>
    public static IReadOnlyList<string> Projections { get; } = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    /// <summary>The prefix of a layer's tensors, with the dot at the end: <c>model.layers.3.</c>.</summary>
    public static string Layer(int layer) => string.Create(CultureInfo.InvariantCulture, $"model.layers.{layer}.");

    /// <summary>The RMSNorm before attention, [HiddenSize].</summary>
    public static string InputLayerNorm(int layer) => Layer(layer) + "input_layernorm.weight";

    /// <summary>The RMSNorm before the feed-forward layers, [HiddenSize].</summary>
    public static string PostAttentionLayerNorm(int layer) => Layer(layer) + "post_attention_layernorm.weight";

    /// <summary>The module of a projection, without <c>.weight</c>: <c>model.layers.3.self_attn.q_proj</c>.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="projection">One of <see cref="Projections"/>.</param>
    public static string Module(int layer, string projection) => Layer(layer) + projection switch
    {
        "q_proj" or "k_proj" or "v_proj" or "o_proj" => "self_attn." + projection,
        "gate_proj" or "up_proj" or "down_proj" => "mlp." + projection,
        _ => throw new ArgumentOutOfRangeException(nameof(projection), projection, "Not a linear layer of LLaMA."),
    };

    /// <summary>The weight of a projection, [out, in]: <c>model.layers.3.self_attn.q_proj.weight</c>.</summary>
    public static string Projection(int layer, string projection) => Module(layer, projection) + ".weight";

    /// <summary>Whether a tensor holds saved rotary frequencies, which old files carry and every reader recomputes.</summary>
    public static bool IsRotaryFrequencies(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.EndsWith(RotaryFrequencies, StringComparison.Ordinal);
    }

    /// <summary>All tensors of a model with that configuration, in Hugging Face's order.</summary>
    /// <param name="config">The configuration.</param>
    /// <returns>Names, shapes, and the configuration's element type.</returns>
    public static IEnumerable<TensorInfo> Describe(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        long hidden = config.HiddenSize, ffn = config.IntermediateSize;
        long queries = (long)config.NumAttentionHeads * config.HeadDim, keys = (long)config.NumKeyValueHeads * config.HeadDim;
        yield return Tensor(EmbedTokens, config.VocabSize, hidden);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            yield return Tensor(Projection(i, "q_proj"), queries, hidden);
            yield return Tensor(Projection(i, "k_proj"), keys, hidden);
            yield return Tensor(Projection(i, "v_proj"), keys, hidden);
            yield return Tensor(Projection(i, "o_proj"), hidden, queries);
            yield return Tensor(Projection(i, "gate_proj"), ffn, hidden);
            yield return Tensor(Projection(i, "down_proj"), hidden, ffn);
            yield return Tensor(Projection(i, "up_proj"), ffn, hidden);
            yield return Tensor(InputLayerNorm(i), hidden);
            yield return Tensor(PostAttentionLayerNorm(i), hidden);
        }

        yield return Tensor(Norm, hidden);
        if (!config.TieWordEmbeddings)
        {
            yield return Tensor(LmHead, config.VocabSize, hidden);
        }

        TensorInfo Tensor(string name, params long[] shape) => new(name, config.TorchDType, shape);
    }
}
