using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>The angular frequencies of <see cref="RotaryEmbedding"/>.</summary>
internal static class RotaryFrequencies
{
    /// <summary>The hd/2 frequencies <c>theta^(-2i/hd)</c> in float32, scaled as the configuration says.</summary>
    public static float[] Of(LlamaConfig config)
    {
        using var scope = NewDisposeScope();
        // In torch's own float32 arithmetic: at position 2000 one unit in the last place of a frequency is 1e-4 radian.
        var exponents = arange(0, config.HeadDim, 2, dtype: ScalarType.Float32) / config.HeadDim;
        var frequencies = 1f / full(exponents.shape, (float)config.RopeTheta).pow(exponents);
        return frequencies.data<float>().ToArray();
    }
}
