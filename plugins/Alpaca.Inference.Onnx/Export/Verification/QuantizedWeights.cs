using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>The weights of a model as an exported graph holds them: quantised matrices are read back from its files, the rest comes from the model.</summary>
/// <remarks>To be asked for embedding and head apart, also if they are tied: the graph may have quantised one of them alone.</remarks>
internal sealed class QuantizedWeights : IStreamedWeights
{
    private readonly ModelWeights _model;
    private readonly ITensorSource _exported;
    private readonly bool _isTied;
    private readonly Dictionary<string, GraphWeight.Quantized> _matrices = new(StringComparer.Ordinal);

    public QuantizedWeights(HuggingFaceModel model, ITensorSource exported, IReadOnlyList<GraphWeight> weights)
    {
        (_model, _exported, _isTied) = (new ModelWeights(model.Tensors), exported, model.Config.TieWordEmbeddings);
        var hasTable = weights.OfType<GraphWeight.Copy>().Any(w => w.Source == LlamaTensorNames.EmbedTokens);
        foreach (var matrix in weights.OfType<GraphWeight.Quantized>())
        {
            var isTiedHead = matrix.Source == LlamaTensorNames.EmbedTokens;
            _matrices.Add(isTiedHead ? LlamaTensorNames.LmHead : matrix.Source, matrix);
            if (isTiedHead && !hasTable) _matrices.Add(LlamaTensorNames.EmbedTokens, matrix);
        }
    }

    public TensorInfo Describe(string name) => _model.Describe(NameInModel(name));

    public void ReadRows(string name, long firstRow, Span<float> destination)
    {
        if (!_matrices.TryGetValue(name, out var matrix))
        {
            _model.ReadRows(NameInModel(name), firstRow, destination);
            return;
        }

        var rows = destination.Length / matrix.Columns;
        var parts = matrix.Parts.Select(part => Read(part, firstRow, rows)).ToArray();
        var scales = new float[rows * matrix.Format.Blocks(matrix.Columns)];
        TensorConversion.ToFloat32(matrix.ScaleType == OnnxType.Float16 ? DType.Float16 : DType.Float32, parts[1], scales);
        for (var row = 0; row < rows; row++)
        {
            BlockDequantizer.Dequantize(
                matrix.Format, Row(parts[0], row), Row(scales, row), matrix.Format.Symmetric ? [] : Row(parts[2], row), destination.Slice(row * matrix.Columns, matrix.Columns));
        }

        ReadOnlySpan<T> Row<T>(T[] part, int row) => part.AsSpan(row * (part.Length / rows), part.Length / rows);
    }

    // Adapters are not fed.
    public void AddUpdates(string name, Activations input, Activations output) { }

    private string NameInModel(string name) => _isTied && name == LlamaTensorNames.LmHead ? LlamaTensorNames.EmbedTokens : name;

    private byte[] Read(WeightPart part, long firstRow, int rows)
    {
        var rowBytes = part.ByteLength / part.Shape[0];
        var bytes = new byte[rows * rowBytes];
        _exported.Read(_exported.Find(part.Name)!, firstRow * rowBytes, bytes);
        return bytes;
    }
}
