using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The angular frequencies of rotary position embeddings (Su et al. 2021), one source for every engine, so that all of them turn by the same angles.</summary>
public static class RotaryFrequencies
{
    /// <summary>The hd/2 frequencies <c>theta^(-2i/hd)</c> in radians per position, scaled as the configuration says.</summary>
    /// <remarks>In float32 throughout, as PyTorch computes them: at position 2000 one unit in the last place of a frequency is 1e-4 radian.</remarks>
    /// <exception cref="AlpacaException">The configuration asks for a scaling that is not supported, or leaves out one of its numbers.</exception>
    public static float[] Of(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var frequencies = new float[config.HeadDim / 2];
        for (var i = 0; i < frequencies.Length; i++) frequencies[i] = 1f / MathF.Pow((float)config.RopeTheta, 2f * i / config.HeadDim);
        return config.RopeScaling switch
        {
            null => frequencies,
            { Type: "linear" } linear => [.. frequencies.Select(frequency => frequency / (float)linear.Factor)],
            { Type: "llama3" } llama3 => Llama3(frequencies, llama3),
            var other => throw new AlpacaException(
                $"config.json has rope_scaling of type {other.Type}; only linear and llama3 are supported, so remove it to run the model in its original context."),
        };
    }

    /// <summary>
    /// Llama 3.1's scaling: long waves are stretched by the factor, short ones left alone, and those between blended (<c>_compute_llama3_parameters</c> of transformers).
    /// </summary>
    private static float[] Llama3(float[] frequencies, RopeScaling scaling)
    {
        if (scaling is not { LowFreqFactor: { } low, HighFreqFactor: { } high, OriginalMaxPositionEmbeddings: { } context } || high <= low)
        {
            throw new AlpacaException(
                "config.json has rope_scaling of type llama3 without low_freq_factor, a larger high_freq_factor and original_max_position_embeddings; take them from the model's original config.json.");
        }

        return
        [
            .. frequencies.Select(frequency =>
            {
                var waves = context * frequency / MathF.Tau; // that fit into the original context
                var kept = Math.Clamp((waves - (float)low) / (float)(high - low), 0f, 1f);
                return ((1 - kept) * frequency / (float)scaling.Factor) + (kept * frequency);
            }),
        ];
    }
}
