using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>A matrix with one row per token of the vocabulary: <c>embed_tokens</c>, <c>lm_head</c>, or both at once where they are tied.</summary>
/// <remarks>Where the rows that the vocabulary gained are a parameter of their own, the two are one matrix to whoever uses it, and never put together in memory.</remarks>
internal sealed class TokenMatrix : Module
{
    private readonly Parameter weight;      // [V, H], or the first rows of it
    private readonly Parameter? added_rows; // the others, in float32

    public TokenMatrix(TokenRows rows) : base(nameof(TokenMatrix))
    {
        (weight, added_rows) = (rows.Weight, rows.Added);
        RegisterComponents();
    }

    public Parameter Weight => weight;

    public Parameter? AddedRows => added_rows;

    public bool IsTrained => weight.requires_grad || added_rows is { requires_grad: true };

    /// <summary>The rows of the given tokens: [B, T] -> [B, T, H].</summary>
    public Tensor Lookup(Tensor ids)
    {
        using var scope = NewDisposeScope();
        var places = ids.flatten(); // [N]
        return (added_rows is null ? weight.index_select(0, places) : LookupInParts(places, added_rows)).view([.. ids.shape, -1]).MoveToOuterDisposeScope();
    }

    // Every place looks up a row of either part, and keeps one: the number of each kind is only known on the device.
    private Tensor LookupInParts(Tensor places, Tensor added)
    {
        var first = weight.shape[0];
        var kept = weight.index_select(0, places.clamp_max(first - 1));                  // [N, H]
        var gained = added.index_select(0, places.sub(first).clamp_min(0)).to_type(weight.dtype);
        return where(places.lt(first).unsqueeze(1), kept, gained);
    }

    /// <summary>The scores of all tokens: [..., H] -> [..., V], in float32.</summary>
    public Tensor Score(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        var scores = ScoreWith(weight);
        return (added_rows is null ? scores : cat([scores, ScoreWith(added_rows)], -1)).MoveToOuterDisposeScope();

        Tensor ScoreWith(Tensor rows) => functional.linear(hidden.to_type(rows.dtype), rows).to_type(ScalarType.Float32);
    }
}

/// <summary>The rows of a <see cref="TokenMatrix"/>.</summary>
/// <param name="Weight">[V, H], or its first rows.</param>
/// <param name="Added">The rows after those, if they are a parameter of their own.</param>
internal readonly record struct TokenRows(Parameter Weight, Parameter? Added);
