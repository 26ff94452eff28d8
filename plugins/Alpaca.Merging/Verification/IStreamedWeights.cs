using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>The weights of a model too large for memory: what a decoder needs of them beside the products with their rows.</summary>
internal interface IStreamedWeights
{
    /// <summary>Shape and stored type of a tensor.</summary>
    TensorInfo Describe(string name);

    /// <summary>Reads whole rows; of a vector, elements.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstRow">The first row.</param>
    /// <param name="destination">Filled completely with rows.</param>
    void ReadRows(string name, long firstRow, Span<float> destination);

    /// <summary>Adds what the weights do beside their rows: adapters that have not been merged.</summary>
    /// <param name="name">The weight.</param>
    /// <param name="input">[T, in]</param>
    /// <param name="output">[T, out], gets the updates added.</param>
    void AddUpdates(string name, Activations input, Activations output);
}

/// <summary>One vector for each position of a prompt.</summary>
/// <param name="Positions">Number of positions T.</param>
/// <param name="Width">Elements of a vector.</param>
internal sealed record Activations(int Positions, int Width)
{
    /// <summary>The vectors one after the other, [T, width].</summary>
    public float[] Values { get; } = new float[Positions * Width];

    /// <summary>The vector of a position.</summary>
    public Span<float> this[int position] => Values.AsSpan(position * Width, Width);
}
