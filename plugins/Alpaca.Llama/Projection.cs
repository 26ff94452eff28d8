using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>Makes the module that applies one of the seven projections of a decoder layer.</summary>
/// <remarks>This is how LoRA is put on: the attention does not know whether it got a <see cref="Projection"/> or one with an adapter beside it.</remarks>
/// <param name="name">The module's Hugging Face name, for example <c>model.layers.0.self_attn.q_proj</c>.</param>
/// <param name="weight">[out, in], on the model's device and in its weight type, without gradient. The module made takes it over.</param>
/// <returns>A module that maps [..., in] to [..., out].</returns>
public delegate Module<Tensor, Tensor> ProjectionFactory(string name, Tensor weight);

/// <summary>A linear layer without bias, <c>y = x Wᵀ</c>, with frozen weight.</summary>
public sealed class Projection : Module<Tensor, Tensor>
{
    private readonly Parameter weight; // [out, in]

    /// <summary>Creates the layer.</summary>
    /// <param name="weight">[out, in]; the layer takes it over, frozen.</param>
    public Projection(Tensor weight) : base(nameof(Projection))
    {
        this.weight = new Parameter(weight, requires_grad: false);
        RegisterComponents();
    }

    /// <summary>The default factory.</summary>
    public static ProjectionFactory Factory { get; } = (_, weight) => new Projection(weight);

    /// <inheritdoc />
    public override Tensor forward(Tensor x) => functional.linear(x, weight); // [..., in] -> [..., out]
}
