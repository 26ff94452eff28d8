using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>The angular frequencies of the rotary position embedding: theta^(-2i / head size), i below half the head size, stretched as the model says.</summary>
internal static class RotaryFrequencies
{
    /// <summary>The frequencies in radians per position, [head size / 2].</summary>
    /// <exception cref="AlpacaException">The model's scaling depends on the length of the sequence, or is unknown: no table can hold it.</exception>
    public static float[] For(LlamaConfig config)
    {
        var frequencies = new float[config.HeadDim / 2];
        for (var i = 0; i < frequencies.Length; i++) frequencies[i] = 1f / (float)Math.Pow(config.RopeTheta, 2.0 * i / config.HeadDim);
        switch (config.RopeScaling)
        {
            case null: break;
            case { Type: "linear" } scaling: Stretch(frequencies, _ => scaling.Factor); break;
            case { Type: "llama3", LowFreqFactor: { } low, HighFreqFactor: { } high, OriginalMaxPositionEmbeddings: { } trained } scaling:
                Stretch(frequencies, frequency => Llama3Factor(scaling.Factor, low, high, trained * frequency / (2 * Math.PI)));
                break;
            case { Type: "llama3" }:
                throw new AlpacaException("The rope_scaling of config.json is llama3 and lacks low_freq_factor, high_freq_factor or original_max_position_embeddings; add them.");
            case { } scaling:
                throw new AlpacaException($"The rope_scaling of config.json is {scaling.Type}, which cannot be exported; linear and llama3 can, and models without scaling.");
        }

        return frequencies;
    }

    /// <summary>
    /// Llama 3.1: frequencies that turn more than <paramref name="high"/> times within the context trained on stay, those that turn less than
    /// <paramref name="low"/> times are divided by the factor, and between the two the division fades in.
    /// </summary>
    private static double Llama3Factor(double factor, double low, double high, double turns)
    {
        var kept = Math.Clamp((turns - low) / (high - low), 0, 1);
        return 1 / (((1 - kept) / factor) + kept);
    }

    private static void Stretch(float[] frequencies, Func<double, double> factor)
    {
        for (var i = 0; i < frequencies.Length; i++) frequencies[i] = (float)(frequencies[i] / factor(frequencies[i]));
    }
}
