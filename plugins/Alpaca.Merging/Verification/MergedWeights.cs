using System.Buffers;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>The merged model as it lies in its files.</summary>
internal sealed class MergedWeights(ITensorWriter written) : IStreamedWeights
{
    private readonly Dictionary<string, TensorInfo> _tensors = written.Tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);

    public TensorInfo Describe(string name) => _tensors[name];

    public void ReadRows(string name, long firstRow, Span<float> destination)
    {
        var tensor = _tensors[name];
        var elementSize = tensor.DType.Size();
        var columns = tensor.Shape.Count == 2 ? tensor.Shape[1] : 1;
        var bytes = ArrayPool<byte>.Shared.Rent(destination.Length * elementSize);
        try
        {
            var rows = bytes.AsSpan(0, destination.Length * elementSize);
            written.Read(name, firstRow * columns * elementSize, rows);
            TensorConversion.ToFloat32(tensor.DType, rows, destination);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    // Nothing is beside the rows any more: that is what merging is.
    public void AddUpdates(string name, Activations input, Activations output) { }
}
