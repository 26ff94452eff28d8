namespace Alpaca.Inference.Onnx;

/// <summary>Where each weight lies in the data file: one after the other, each at a multiple of 4096 so that it can be memory-mapped.</summary>
internal sealed class ExternalDataLayout
{
    private const long Alignment = 4096;

    /// <summary>Places the weights.</summary>
    /// <param name="fileName">The data file, relative to the model.</param>
    /// <param name="weights">The weights in the order in which they will lie.</param>
    public ExternalDataLayout(string fileName, IReadOnlyList<GraphWeight> weights)
    {
        var tensors = new List<OnnxTensor>(weights.Count);
        foreach (var weight in weights)
        {
            var offset = checked((Length + Alignment - 1) / Alignment * Alignment);
            var length = weight.ByteLength;
            tensors.Add(new OnnxTensor(weight.Name, OnnxType.Float, weight.Shape) { Location = new OnnxDataLocation(fileName, offset, length) });
            Length = checked(offset + length);
        }

        Weights = weights;
        Tensors = tensors;
    }

    /// <summary>The weights, in the order of <see cref="Tensors"/>.</summary>
    public IReadOnlyList<GraphWeight> Weights { get; }

    /// <summary>The weights as the model file declares them.</summary>
    public IReadOnlyList<OnnxTensor> Tensors { get; }

    /// <summary>The size of the data file in bytes.</summary>
    public long Length { get; }
}
