using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Inference.Torch;

/// <summary>A linear layer with adapters beside it, <c>y = x Wᵀ + (x Aᵀ) Bᵀ</c> with the matrices of the active one (Hu et al. 2021; the scaling is part of B).</summary>
internal sealed class AdaptedProjection : Module<Tensor, Tensor>
{
    private readonly Parameter weight; // [out, in]
    private readonly IReadOnlyList<LoraMatrices?> _pairs;
    private readonly ActiveAdapter _active;

    public AdaptedProjection(Tensor weight, IReadOnlyList<LoraMatrices?> pairs, ActiveAdapter active) : base(nameof(AdaptedProjection))
    {
        this.weight = new Parameter(weight, requires_grad: false);
        (_pairs, _active) = (pairs, active);
        RegisterComponents();
    }

    /// <inheritdoc />
    public override Tensor forward(Tensor x) // [..., in] -> [..., out]
    {
        if (_active.Index is not { } index || _pairs[index] is not { } lora) return functional.linear(x, weight);
        using var scope = NewDisposeScope();
        return functional.linear(x, weight).add_(functional.linear(functional.linear(x, lora.A), lora.B)).MoveToOuterDisposeScope();
    }
}

/// <summary>The matrices of an adapted layer.</summary>
/// <param name="A">[r, in].</param>
/// <param name="B">[out, r], scaled.</param>
internal sealed record LoraMatrices(Tensor A, Tensor B);
