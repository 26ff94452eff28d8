using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>One transformer block: attention and feed-forward, each on the normalised residual stream and added back to it.</summary>
public sealed class DecoderLayer : Module
{
    private readonly RmsNorm input_layernorm;
    private readonly Attention self_attn;
    private readonly RmsNorm post_attention_layernorm;
    private readonly FeedForward mlp;

    internal DecoderLayer(RmsNorm attentionNorm, Attention attention, RmsNorm feedForwardNorm, FeedForward feedForward) : base(nameof(DecoderLayer))
    {
        (input_layernorm, self_attn, post_attention_layernorm, mlp) = (attentionNorm, attention, feedForwardNorm, feedForward);
        RegisterComponents();
    }

    /// <summary>[B, T, H] -> [B, T, H].</summary>
    internal Tensor Forward(Tensor x, DecoderSurroundings surroundings, LayerCache? cache = null, CachePass? pass = null)
    {
        using var scope = NewDisposeScope();
        var h = x + self_attn.Forward(input_layernorm.call(x), surroundings, cache, pass);
        return (h + mlp.call(post_attention_layernorm.call(h))).MoveToOuterDisposeScope();
    }
}
