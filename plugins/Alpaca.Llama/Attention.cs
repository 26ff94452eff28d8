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
    private readonly bool _fused;

    internal Attention(LlamaConfig config, Module<Tensor, Tensor> query, Module<Tensor, Tensor> key, Module<Tensor, Tensor> value, Module<Tensor, Tensor> output, bool fused)
        : base(nameof(Attention))
    {
        (q_proj, k_proj, v_proj, o_proj) = (query, key, value, output);
        (_heads, _keyValueHeads, _headDim, _fused) = (config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim, fused);
        RegisterComponents();
    }

    /// <summary>[B, T, H] -> [B, T, H].</summary>
    /// <param name="x">[B, T, H].</param>
    /// <param name="surroundings">At the positions of x.</param>
    /// <param name="cache">The positions before x.</param>
    /// <param name="pass">Where in the cache those of x go.</param>
    internal Tensor Forward(Tensor x, DecoderSurroundings surroundings, LayerCache? cache = null, CachePass? pass = null)
    {
        using var scope = NewDisposeScope();
        var (batch, length) = (x.shape[0], x.shape[1]);
        var (rotation, mask, segments) = surroundings;
        var q = rotation.Apply(SplitHeads(q_proj.call(x), _heads));         // [B, heads, T, hd]
        var k = rotation.Apply(SplitHeads(k_proj.call(x), _keyValueHeads)); // [B, kvHeads, T, hd]
        var v = SplitHeads(v_proj.call(x), _keyValueHeads);
        if (cache is not null) (k, v) = cache.Append(k, v, pass!);          // [B, kvHeads, S, hd]

        var y = segments is null ? Attend(q, k, v, mask) : AttendWithin(q, k, v, segments); // [B, heads, T, hd]
        if (length > 1) y = y.transpose(1, 2);
        y = y.reshape(batch, length, _heads * _headDim);                    // [B, T, heads * hd]
        return o_proj.call(y).MoveToOuterDisposeScope();
    }

    // [B, T, heads * hd] -> [B, heads, T, hd]
    private Tensor SplitHeads(Tensor x, int heads)
    {
        var (batch, length) = (x.shape[0], x.shape[1]);
        return length == 1 ? x.view(batch, heads, 1, _headDim) : x.view(batch, length, heads, _headDim).transpose(1, 2);
    }

    private Tensor Attend(Tensor q, Tensor k, Tensor v, Tensor? mask)
    {
        var (batch, length, keys) = (q.shape[0], q.shape[2], k.shape[2]);
        if (length == 1 && (mask is null || mask.shape is [_, 1, 1, _]))
        {
            // All query heads of a group see the same keys, so they are so many rows of one head, and keys and values need no copies:
            // [B, heads, 1, hd] -> [B, kvHeads, group, hd].
            var rows = q.reshape(batch, _keyValueHeads, _heads / _keyValueHeads, _headDim);
            return functional.scaled_dot_product_attention(rows, k, v, mask).reshape(batch, _heads, 1, _headDim);
        }

        if (mask is null && _fused && _heads != _keyValueHeads) return FusedKernels.CausalAttention(q, k, v);

        // is_casual [sic] aligns the triangle with the first key, which is right only where queries and keys start together.
        return functional.scaled_dot_product_attention(q, RepeatHeads(k), RepeatHeads(v), mask, is_casual: mask is null);

        // [B, kvHeads, S, hd] -> [B, heads, S, hd], each key-value head for the query heads of its group
        Tensor RepeatHeads(Tensor x) => _heads == _keyValueHeads
            ? x
            : x.unsqueeze(2).expand(batch, _keyValueHeads, _heads / _keyValueHeads, keys, _headDim).reshape(batch, _heads, keys, _headDim);
    }

    // [1, heads, T, hd], each segment by itself
    private Tensor AttendWithin(Tensor q, Tensor k, Tensor v, Segments segments)
    {
        if (_fused && segments.Boundaries is { } boundaries && FusedKernels.TakesSegments(q))
        {
            var y = FusedKernels.CausalAttention(PositionsFirst(q), PositionsFirst(k), PositionsFirst(v), boundaries, segments.Longest);
            return y.transpose(0, 1).unsqueeze(0); // [T, heads, hd] -> [1, heads, T, hd]
        }

        // Split and joined, which go back as one join and one split; taking the parts one by one would go back as a whole tensor of zeros for each.
        var (queries, keys, values) = (q.split(segments.Lengths, 2), k.split(segments.Lengths, 2), v.split(segments.Lengths, 2));
        return cat([.. queries.Select((query, i) => Attend(query, keys[i], values[i], mask: null))], 2);

        // [1, heads, T, hd] -> [T, heads, hd]
        static Tensor PositionsFirst(Tensor x) => x.squeeze(0).transpose(0, 1);
    }
}
