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
        angles = cat([angles, angles], -1).unsqueeze(1);                                         // -> [B, 1, T, hd]
        return new Rotation(angles.cos().to_type(type).MoveToOuterDisposeScope(), angles.sin().to_type(type).MoveToOuterDisposeScope());
    }

    /// <inheritdoc />
    public void Dispose() => _inverseFrequencies.Dispose();
}

/// <summary>A rotation of query and key vectors.</summary>
/// <param name="Cos">[B, 1, T, hd].</param>
/// <param name="Sin">[B, 1, T, hd].</param>
public readonly record struct Rotation(Tensor Cos, Tensor Sin)
{
    /// <summary>Rotates [B, heads, T, hd].</summary>
    public Tensor Apply(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        var half = x.shape[^1] / 2;
        var rotated = cat([-x.narrow(-1, half, half), x.narrow(-1, 0, half)], -1);
        return (x * Cos + rotated * Sin).MoveToOuterDisposeScope();
    }
}
