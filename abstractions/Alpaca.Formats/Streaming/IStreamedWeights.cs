namespace Alpaca.Formats;

/// <summary>The weights of a model too large for memory: what a decoder needs of them beside the products with their rows.</summary>
public interface IStreamedWeights
{
    /// <summary>Shape and stored type of a tensor.</summary>
    /// <param name="name">The tensor, by one of <see cref="LlamaTensorNames"/>.</param>
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
