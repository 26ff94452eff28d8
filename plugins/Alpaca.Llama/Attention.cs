using Alpaca.Formats;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>Grouped-query attention (Ainslie et al. 2023) with rotary positions; with as many key-value heads as query heads it is multi-head attention.</summary>
public sealed class Attention : Module
{
    private readonly Module<Tensor, Tensor> q_proj; // H -> heads * hd
    private readonly Module<Tensor, Tensor> k_proj; // H -> kvHeads * hd
    private readonly Module<Tensor, Tensor> v_proj; // H -> kvHeads * hd
    private readonly Module<Tensor, Tensor> o_proj; // heads * hd -> H
    private readonly int _heads;
    private readonly int _keyValueHeads;
    private readonly int _headDim;

    internal Attention(LlamaConfig config, Module<Tensor, Tensor> query, Module<Tensor, Tensor> key, Module<Tensor, Tensor> value, Module<Tensor, Tensor> output)
        : base(nameof(Attention))
    {
        (q_proj, k_proj, v_proj, o_proj) = (query, key, value, output);
        (_heads, _keyValueHeads, _headDim) = (config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim);
        RegisterComponents();
    }

    /// <summary>[B, T, H] -> [B, T, H].</summary>
    /// <param name="x">[B, T, H].</param>
    /// <param name="rotation">At the positions of x.</param>
    /// <param name="mask">Broadcast to [B, heads, T, S]; null is causal from the first key on.</param>
    /// <param name="cache">The positions before x.</param>
    internal Tensor Forward(Tensor x, Rotation rotation, Tensor? mask, LayerCache? cache)
    {
        using var scope = NewDisposeScope();
        var (batch, length) = (x.shape[0], x.shape[1]);
        var q = rotation.Apply(SplitHeads(q_proj.call(x), _heads));         // [B, heads, T, hd]
        var k = rotation.Apply(SplitHeads(k_proj.call(x), _keyValueHeads)); // [B, kvHeads, T, hd]
        var v = SplitHeads(v_proj.call(x), _keyValueHeads);
        if (cache is not null) (k, v) = cache.Append(k, v);                 // [B, kvHeads, S, hd]

        var y = Attend(q, k, v, mask);                                      // [B, heads, T, hd]
        y = y.transpose(1, 2).reshape(batch, length, _heads * _headDim);    // [B, T, heads * hd]
        return o_proj.call(y).MoveToOuterDisposeScope();
    }

    // [B, T, heads * hd] -> [B, heads, T, hd]
    private Tensor SplitHeads(Tensor x, int heads) => x.view(x.shape[0], x.shape[1], heads, _headDim).transpose(1, 2);

    private Tensor Attend(Tensor q, Tensor k, Tensor v, Tensor? mask)
    {
        var (batch, length, keys) = (q.shape[0], q.shape[2], k.shape[2]);
        if (mask is null && length == 1)
        {
            // One query sees every key, so the query heads of a group are so many rows of one head, and keys and values need no copies:
            // [B, heads, 1, hd] -> [B, kvHeads, group, hd].
            var rows = q.reshape(batch, _keyValueHeads, _heads / _keyValueHeads, _headDim);
            return functional.scaled_dot_product_attention(rows, k, v).reshape(batch, _heads, 1, _headDim);
        }

        // is_casual [sic] aligns the triangle with the first key, which is right only where queries and keys start together.
        return functional.scaled_dot_product_attention(q, RepeatHeads(k), RepeatHeads(v), mask, is_casual: mask is null);

        // [B, kvHeads, S, hd] -> [B, heads, S, hd], each key-value head for the query heads of its group
        Tensor RepeatHeads(Tensor x) => _heads == _keyValueHeads
            ? x
            : x.unsqueeze(2).expand(batch, _keyValueHeads, _heads / _keyValueHeads, keys, _headDim).reshape(batch, _heads, keys, _headDim);
    }
}
