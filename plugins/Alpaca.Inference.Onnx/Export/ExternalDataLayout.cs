namespace Alpaca.Inference.Onnx;

/// <summary>Where each initializer lies in the data file: one after the other, each at a multiple of 4096 so that it can be memory-mapped.</summary>
internal sealed class ExternalDataLayout
{
    private const long Alignment = 4096;

    private readonly List<OnnxTensor> _tensors = [];

    /// <summary>Places the weights.</summary>
    /// <param name="fileName">The data file, relative to the model.</param>
    /// <param name="weights">The weights in the order in which they will lie.</param>
    public ExternalDataLayout(string fileName, IReadOnlyList<GraphWeight> weights)
    {
        foreach (var part in weights.SelectMany(weight => weight.Parts))
        {
            var offset = checked((Length + Alignment - 1) / Alignment * Alignment);
            var length = part.ByteLength;
            _tensors.Add(new OnnxTensor(part.Name, part.Type, part.Shape) { Location = new OnnxDataLocation(fileName, offset, length) });
            Length = checked(offset + length);
        }

        Weights = weights;
    }

    /// <summary>The weights.</summary>
    public IReadOnlyList<GraphWeight> Weights { get; }

    /// <summary>The parts of the weights, in the same order, as the model file declares them.</summary>
    public IReadOnlyList<OnnxTensor> Tensors => _tensors;

    /// <summary>The size of the data file in bytes.</summary>
    public long Length { get; }
}
