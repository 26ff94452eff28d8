namespace Alpaca.Formats;

/// <summary>One vector for each position of a prompt.</summary>
/// <param name="Positions">Number of positions T.</param>
/// <param name="Width">Elements of a vector.</param>
public sealed record Activations(int Positions, int Width)
{
    /// <summary>The vectors one after the other, [T, width].</summary>
    public float[] Values { get; } = new float[Positions * Width];

    /// <summary>The vector of a position.</summary>
    /// <param name="position">From 0.</param>
    public Span<float> this[int position] => Values.AsSpan(position * Width, Width);
}
