namespace Alpaca.Formats;

/// <summary>The weights of a model as they lie in its files.</summary>
/// <param name="source">The files.</param>
public sealed class ModelWeights(ITensorSource source) : IStreamedWeights
{
    /// <inheritdoc />
    public TensorInfo Describe(string name) => source.Find(name) ?? throw new ArgumentException($"There is no tensor {name}.", nameof(name));

    /// <inheritdoc />
    public void ReadRows(string name, long firstRow, Span<float> destination)
    {
        var tensor = Describe(name);
        source.ReadAsFloat32(tensor, firstRow * (tensor.Shape.Count == 2 ? tensor.Shape[1] : 1), destination);
    }

    /// <inheritdoc />
    public void AddUpdates(string name, Activations input, Activations output) { }
}
