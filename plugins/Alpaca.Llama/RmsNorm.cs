using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>Root mean square normalisation, <c>y = x / sqrt(mean(x²) + eps) · weight</c> (Zhang and Sennrich 2019, eq. 4).</summary>
/// <remarks>
/// The mean is taken in float32. The fused kernel rounds once, after the scaling; without it the quotient is rounded to the type of x before it is scaled, as the published LLaMA code does.
/// </remarks>
public sealed class RmsNorm : Module<Tensor, Tensor>
{
    private readonly Parameter weight; // [H]
    private readonly double _epsilon;
    private readonly bool _fused;

    /// <summary>Creates the layer.</summary>
    /// <param name="weight">[H]; the layer takes it over, frozen.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="fused">Whether to use <see cref="FusedKernels.RmsNorm"/>.</param>
    public RmsNorm(Tensor weight, double epsilon, bool fused) : base(nameof(RmsNorm))
    {
        this.weight = new Parameter(weight, requires_grad: false);
        (_epsilon, _fused) = (epsilon, fused);
        RegisterComponents();
    }

    /// <inheritdoc />
    public override Tensor forward(Tensor x) // [..., H]
    {
        if (_fused) return FusedKernels.RmsNorm(x, weight, _epsilon);
        using var scope = NewDisposeScope();
        var x32 = x.to_type(ScalarType.Float32);
        var normalized = x32 * rsqrt(x32.square().mean([-1], keepdim: true) + _epsilon);
        return (weight * normalized.to_type(x.dtype)).MoveToOuterDisposeScope();
    }
}
