using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>A matrix with one row per token of the vocabulary: <c>embed_tokens</c>, <c>lm_head</c>, or both at once where they are tied.</summary>
internal sealed class TokenMatrix : Module
{
    private readonly Parameter weight; // [V, H]

    public TokenMatrix(Parameter weight) : base(nameof(TokenMatrix))
    {
        this.weight = weight;
        RegisterComponents();
    }

    public Parameter Weight => weight;

    /// <summary>The rows of the given tokens: [B, T] -> [B, T, H].</summary>
    public Tensor Lookup(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return weight.index_select(0, ids.flatten()).view([.. ids.shape, -1]).MoveToOuterDisposeScope();
    }

    /// <summary>The scores of all tokens: [..., H] -> [..., V], in float32.</summary>
    public Tensor Score(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return functional.linear(hidden.to_type(weight.dtype), weight).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
