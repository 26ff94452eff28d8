using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Training;

/// <summary>A frozen linear layer with a low-rank update: y = x Wᵀ + s · dropout(x) Aᵀ Bᵀ (Hu et al., 2021, LoRA).</summary>
/// <remarks>
/// W keeps its element type; A and B are float32, and so are their gradients and the optimiser's state. Over a 16-bit W they are rounded to its type for the product, as mixed-precision training
/// does (Micikevicius et al. 2018): it accumulates in float32 all the same, and neither the input nor the update exist in float32.
/// </remarks>
internal sealed class LoraLinear : Module<Tensor, Tensor>
{
    private readonly double _scaling;
    private readonly LoraDropout _dropout;

    /// <summary>Wraps a weight. A and B are 0 until they are filled.</summary>
    /// <param name="name">The module's name, <c>model.layers.0.self_attn.q_proj</c>.</param>
    /// <param name="weight">W, [out, in], frozen; the module takes it over.</param>
    /// <param name="rank">r.</param>
    /// <param name="scaling">s: alpha / r, or alpha / sqrt(r) for rank-stabilised LoRA.</param>
    /// <param name="dropout">The dropout that all layers share.</param>
    public LoraLinear(string name, Tensor weight, int rank, double scaling, LoraDropout dropout) : base(name)
    {
        _scaling = scaling;
        _dropout = dropout;
        Weight = weight;
        A = new Parameter(zeros(rank, weight.shape[1], ScalarType.Float32, weight.device));
        B = new Parameter(zeros(weight.shape[0], rank, ScalarType.Float32, weight.device));
        register_buffer("weight", weight);
        register_parameter("lora_A", A);
        register_parameter("lora_B", B);
    }

    /// <summary>W, [out, in].</summary>
    public Tensor Weight { get; }

    /// <summary>A, [r, in] float32.</summary>
    public Parameter A { get; }

    /// <summary>B, [out, r] float32.</summary>
    public Parameter B { get; }

    /// <inheritdoc />
    /// <param name="input">x, [..., in].</param>
    /// <returns>y, [..., out].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = input.reshape(-1, Weight.shape[1]); // [N, in]
        var y = functional.linear(x, Weight); // [N, out]
        var h = functional.linear(_dropout.Apply(input).view(x.shape), A.to(x.dtype)); // [N, r]
        // In place, as the backward pass of a linear layer needs its input and weight, not its output; on [N, out], as a view of it would be copied there.
        y.addmm_(h, B.to(x.dtype).t(), alpha: (float)(_scaling * _dropout.Scale));
        return y.view([.. input.shape[..^1], -1]).MoveToOuterDisposeScope();
    }
}
