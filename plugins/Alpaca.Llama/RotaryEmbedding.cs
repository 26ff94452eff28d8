using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>Rotary position embedding (Su et al. 2021): rotates each pair of a head's coordinates by an angle proportional to the position.</summary>
/// <remarks>
/// In the Hugging Face layout coordinate j is paired with j + headDim/2 ("rotate half"); conversion from the original layout permutes the rows of W_q and W_k to
/// match. Angles are computed in float32 from the positions of each call, so no table limits the context and nothing of it is in the state dictionary.
/// </remarks>
public sealed class RotaryEmbedding : IDisposable
{
    private readonly Tensor _inverseFrequencies; // [hd/2], float32

    /// <summary>Creates the embedding of a model.</summary>
    /// <param name="config">Gives head size, base and scaling.</param>
    /// <param name="device">Where the angles are computed.</param>
    public RotaryEmbedding(LlamaConfig config, Device device)
    {
        ArgumentNullException.ThrowIfNull(config);
        _inverseFrequencies = tensor(RotaryFrequencies.Of(config), device: device).DetachFromDisposeScope();
    }

    /// <summary>The rotation at the given positions.</summary>
    /// <param name="positions">[B, T], or [1, T] for the same positions in every row.</param>
    /// <param name="type">The type of the vectors to rotate.</param>
    public Rotation At(Tensor positions, ScalarType type)
    {
        ArgumentNullException.ThrowIfNull(positions);
        using var scope = NewDisposeScope();
        var angles = positions.to_type(ScalarType.Float32).unsqueeze(-1) * _inverseFrequencies; // [B, T, 1] * [hd/2] -> [B, T, hd/2]
        var (cos, sin) = (angles.cos(), angles.sin());
        return new Rotation(
            cat([cos, cos], -1).unsqueeze(1).to_type(type).MoveToOuterDisposeScope(),   // [B, T, hd/2] -> [B, 1, T, hd]
            cat([-sin, sin], -1).unsqueeze(1).to_type(type).MoveToOuterDisposeScope());
    }

    /// <inheritdoc />
    public void Dispose() => _inverseFrequencies.Dispose();
}

/// <summary>A rotation of query and key vectors.</summary>
/// <param name="Cos">[B, 1, T, hd].</param>
/// <param name="Sin">[B, 1, T, hd], negative in the first half: the sign of the coordinate that is turned into it.</param>
public readonly record struct Rotation(Tensor Cos, Tensor Sin)
{
    private static readonly TorchSharp.Scalar One = 1;

    /// <summary>Rotates [B, heads, T, hd].</summary>
    public Tensor Apply(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var exchanged = x.roll(x.shape[^1] / 2, -1); // [x₂, x₁]
        return (x * Cos).addcmul_(exchanged, Sin, One);
    }
}
