using System.Numerics.Tensors;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Alpaca.Inference.Onnx;

/// <summary>Brings PEFT adapters into the form that a graph with inputs for them takes: x A B is added to the layer's result, with A [in, r] and B [r, out].</summary>
internal sealed class OnnxAdapterReader
{
    private const string Head = "lm_head";
    private const string HeadWeight = "lm_head.MatMul.weight";

    private readonly PeftAdapter _adapter;
    private readonly ITensorSource _graph;
    private readonly LlamaConfig _config;
    private readonly DecoderSignature _signature;
    private readonly List<string> _problems = [];
    private readonly List<(string Input, OrtValue Value, NativeBuffer Memory)> _tensors = [];

    private OnnxAdapterReader(PeftAdapter adapter, ITensorSource graph, LlamaConfig config, DecoderSignature signature)
        => (_adapter, _graph, _config, _signature) = (adapter, graph, config, signature);

    /// <summary>Reads adapters.</summary>
    /// <param name="sources">Their names and folders.</param>
    /// <param name="modelFile">The graph.</param>
    /// <param name="config">The model's configuration.</param>
    /// <param name="signature">What the graph takes.</param>
    /// <exception cref="AlpacaException">An adapter cannot be read, or the graph does not take it; the message says what to do.</exception>
    public static IReadOnlyList<OnnxAdapter> Read(IReadOnlyList<AdapterSource> sources, string modelFile, LlamaConfig config, DecoderSignature signature)
    {
        if (sources.Count == 0) return [];
        if (!signature.TakesAdapters)
            throw new AlpacaException($"{modelFile} has no inputs for adapters; export the model with `--adapter-inputs`, or merge {sources[0].Folder} into it.");
        using var graph = OnnxTensorSource.Open(modelFile);
        var adapters = new List<OnnxAdapter>();
        try
        {
            foreach (var source in sources)
            {
                using var adapter = PeftAdapter.Open(source.Folder);
                adapters.Add(new OnnxAdapterReader(adapter, graph, config, signature).Read(source.Name, modelFile));
            }

            return adapters;
        }
        catch
        {
            foreach (var adapter in adapters) adapter.Dispose();
            throw;
        }
    }

    private OnnxAdapter Read(string name, string modelFile)
    {
        var adapter = new OnnxAdapter(name, _tensors);
        try
        {
            foreach (var (module, pair) in _adapter.Pairs) AddPair(module, pair);
            foreach (var (tensor, info) in _adapter.SavedModules.OrderBy(saved => saved.Key == LlamaTensorNames.LmHead)) AddSaved(tensor, info);
            if (_problems.Count == 0) return adapter;
            throw new AlpacaException($"The adapter {_adapter.Folder} cannot be used beside {modelFile}: {Listing.Of(_problems, "; ")}; merge it into its base and export the result, or use the Torch backend.");
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    private void AddPair(string module, LoraPair pair)
    {
        var (inputA, inputB) = (InputOf(module, "A"), InputOf(module, "B"));
        (long Out, long In)? layer = _signature.Optional.TryGetValue(inputA, out var a) && _signature.Optional.TryGetValue(inputB, out var b) ? (b.Dimensions[1], a.Dimensions[0]) : null;
        if (AdapterFit.FindObstacle(module, pair, layer) is { } obstacle)
        {
            _problems.Add(obstacle);
            return;
        }

        Add(inputA, Transposed(pair.A), 1);
        Add(inputB, Transposed(pair.B), (float)_adapter.Config.ScalingFor(module));
    }

    private void AddSaved(string name, TensorInfo tensor)
    {
        if (AdapterFit.FindObstacle(name, tensor, _config, takesOtherVocabulary: false) is { } obstacle) _problems.Add(obstacle);
        else if (name == LlamaTensorNames.EmbedTokens) AddEmbedding(name, tensor);
        else AddHead(tensor);
    }

    private void AddEmbedding(string name, TensorInfo tensor)
    {
        if (_signature.Optional.ContainsKey(name)) Add(name, (_adapter.Tensors.ReadAsFloat32(tensor), tensor.Shape[0], tensor.Shape[1]), 1);
        else _problems.Add($"the model takes no other {name}");
    }

    /// <summary>A whole output layer as what is added to the model's: A is the identity, B [hidden, vocabulary] the difference.</summary>
    private void AddHead(TensorInfo tensor)
    {
        var (hidden, vocabulary) = (_config.HiddenSize, _config.VocabSize);
        if (!_signature.Optional.ContainsKey(InputOf(Head, "A")))
        {
            _problems.Add("the model takes no other lm_head");
            return;
        }

        if (BaseHead() is not { } difference) return;
        var row = new float[hidden];
        for (var id = 0; id < vocabulary; id++)
        {
            _adapter.Tensors.ReadAsFloat32(tensor, (long)id * hidden, row);
            for (var i = 0; i < hidden; i++) difference[i * vocabulary + id] = row[i] - difference[i * vocabulary + id];
        }

        var identity = new float[hidden * hidden];
        for (var i = 0; i < hidden; i++) identity[i * (hidden + 1)] = 1;
        Add(InputOf(Head, "A"), (identity, hidden, hidden), 1);
        Add(InputOf(Head, "B"), (difference, hidden, vocabulary), 1);
    }

    /// <summary>The output layer that the graph multiplies by while this adapter is on, [hidden, vocabulary].</summary>
    private float[]? BaseHead()
    {
        if (_config.TieWordEmbeddings)
        {
            if (_adapter.SavedModules.TryGetValue(LlamaTensorNames.EmbedTokens, out var replaced)) return Transposed(replaced).Values;
            if (_graph.Find(LlamaTensorNames.EmbedTokens) is { DType: DType.Float32 or DType.Float16 } table) return Transposed(_graph, table).Values;
        }
        else if (_graph.Find(HeadWeight) is { DType: DType.Float32 or DType.Float16 } weight)
        {
            return _graph.ReadAsFloat32(weight);
        }

        _problems.Add("it brings an lm_head, and the model's own is quantised, so that nobody knows their difference (export with `--keep-layers lm_head=fp32`)");
        return null;
    }

    private (float[] Values, long Rows, long Columns) Transposed(TensorInfo tensor) => Transposed(_adapter.Tensors, tensor);

    private static (float[] Values, long Rows, long Columns) Transposed(ITensorSource source, TensorInfo tensor)
    {
        var (rows, columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
        var values = new float[checked(rows * columns)]; // [columns, rows]
        var row = new float[columns];
        for (var r = 0; r < rows; r++)
        {
            source.ReadAsFloat32(tensor, (long)r * columns, row);
            for (var c = 0; c < columns; c++) values[c * rows + r] = row[c];
        }

        return (values, columns, rows);
    }

    private void Add(string input, (float[] Values, long Rows, long Columns) matrix, float scale)
    {
        var type = _signature.Optional[input].ElementDataType;
        var memory = new NativeBuffer(matrix.Values.LongLength * ElementTypes.Size(type)!.Value);
        if (scale != 1) TensorPrimitives.Multiply(matrix.Values, scale, matrix.Values);
        if (type == TensorElementType.Float) matrix.Values.CopyTo(memory.Span<float>(matrix.Values.Length));
        else TensorPrimitives.ConvertToHalf(matrix.Values, memory.Span<Half>(matrix.Values.Length));
        _tensors.Add((input, memory.Tensor(type, matrix.Rows, matrix.Columns), memory));
    }

    private static string InputOf(string module, string matrix) => $"{module}.lora_{matrix}";
}
