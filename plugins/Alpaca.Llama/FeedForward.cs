using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>The gated feed-forward network SwiGLU (Shazeer 2020), <c>down(silu(gate(x)) · up(x))</c>.</summary>
public sealed class FeedForward : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> gate_proj; // H -> F
    private readonly Module<Tensor, Tensor> up_proj;   // H -> F
    private readonly Module<Tensor, Tensor> down_proj; // F -> H

    internal FeedForward(Module<Tensor, Tensor> gate, Module<Tensor, Tensor> up, Module<Tensor, Tensor> down) : base(nameof(FeedForward))
    {
        (gate_proj, up_proj, down_proj) = (gate, up, down);
        RegisterComponents();
    }

    /// <inheritdoc />
    public override Tensor forward(Tensor x) // [B, T, H] -> [B, T, H]
    {
        using var scope = NewDisposeScope();
        return down_proj.call(functional.silu(gate_proj.call(x)) * up_proj.call(x)).MoveToOuterDisposeScope();
    }
}
