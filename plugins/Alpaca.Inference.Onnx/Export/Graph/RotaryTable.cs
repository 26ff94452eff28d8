using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>Cosines and sines of the rotary position embedding: the angle at position p is p times each of the <see cref="RotaryFrequencies"/>.</summary>
/// <remarks>
/// The product is rounded to float32 before the cosine is taken, as in PyTorch: at far positions that rounding moves the angle, and the weights were trained with it.
/// </remarks>
internal sealed class RotaryTable(LlamaConfig config)
{
    private readonly float[] _frequencies = RotaryFrequencies.Of(config);

    /// <summary>Rows: the longest sequence.</summary>
    public int Positions { get; } = config.MaxPositionEmbeddings;

    /// <summary>Columns: half the head size.</summary>
    public int Frequencies => _frequencies.Length;

    /// <summary>Cosines of one position.</summary>
    public void Cos(int position, Span<float> destination)
    {
        for (var i = 0; i < _frequencies.Length; i++) destination[i] = MathF.Cos(position * _frequencies[i]);
    }

    /// <summary>Sines of one position.</summary>
    public void Sin(int position, Span<float> destination)
    {
        for (var i = 0; i < _frequencies.Length; i++) destination[i] = MathF.Sin(position * _frequencies[i]);
    }
}
