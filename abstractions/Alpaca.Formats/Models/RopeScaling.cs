namespace Alpaca.Formats;

/// <summary>How rotary positions are stretched for longer contexts (<c>rope_scaling</c> in <c>config.json</c>).</summary>
/// <param name="Type">The method's name: <c>linear</c>, <c>dynamic</c>, <c>yarn</c>, <c>llama3</c>.</param>
/// <param name="Factor">How much longer the context is than the one trained on.</param>
public sealed record RopeScaling(string Type, double Factor)
{
    /// <summary>llama3: wavelengths longer than the original context divided by this are stretched in full.</summary>
    public double? LowFreqFactor { get; init; }

    /// <summary>llama3: wavelengths shorter than the original context divided by this stay as they are.</summary>
    public double? HighFreqFactor { get; init; }

    /// <summary>The context trained on, before stretching.</summary>
    public int? OriginalMaxPositionEmbeddings { get; init; }
}
