using System.Numerics.Tensors;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>The base model with its adapters beside it, as in training: y = W x + Σ scaling · B (A x), nothing rounded.</summary>
/// <remarks>Computed without <see cref="LoraKernel"/>, so that a mistake in merging cannot hide here.</remarks>
internal sealed class UnmergedWeights : IStreamedWeights
{
    private readonly Dictionary<string, MergedTensor> _tensors;

    public UnmergedWeights(IEnumerable<MergedTensor> tensors) => _tensors = tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);

    public TensorInfo Describe(string name) => _tensors[name].Info;

    public void ReadRows(string name, long firstRow, Span<float> destination) => _tensors[name].ReadOrigin(firstRow, destination);

    public void AddUpdates(string name, Activations input, Activations output)
    {
        foreach (var update in _tensors[name].Updates)
        {
            var low = new Activations(input.Positions, update.Rank);
            RowProducts.Multiply(update.Source.ReadAsFloat32(update.Pair.A), input, low, firstColumn: 0);       // A x, [T, r]
            TensorPrimitives.Multiply(low.Values, update.Scaling, low.Values);
            var change = new Activations(output.Positions, output.Width);
            RowProducts.Multiply(update.Source.ReadAsFloat32(update.Pair.B), low, change, firstColumn: 0);      // B (A x), [T, out]
            TensorPrimitives.Add(output.Values, change.Values, output.Values);
        }
    }
}
