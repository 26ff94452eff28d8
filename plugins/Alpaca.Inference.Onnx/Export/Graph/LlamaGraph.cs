using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>The LLaMA decoder as an ONNX graph, with the input and output names that onnxruntime-genai, optimum and transformers.js clients know.</summary>
/// <remarks>
/// <para>Inputs: <c>input_ids</c> int64 [B, T], <c>attention_mask</c> int64 [B, P+T], <c>past_key_values.N.key|value</c> [B, KV heads, P, head size].
/// Outputs: <c>logits</c> float32 [B, T, vocabulary], <c>present.N.key|value</c> [B, KV heads, P+T, head size], <c>hidden_states</c> float32 [B, T, hidden] behind the last norm.
/// The cache is of the activations' type. With GroupQueryAttention, a runtime that binds one buffer as past and present gets it updated in place.</para>
/// <para>Inputs that need not be fed: <c>num_logits_to_keep</c>, an int64 scalar k: logits for the last k positions only; 0, which is the default, is all of them.
/// Where the format has adapter inputs also <c>{module}.lora_A</c> [in, r] and <c>{module}.lora_B</c> [r, out] of every projection and of <c>lm_head</c>, and <c>model.embed_tokens.weight</c>.</para>
/// <para>RMSNorm is ONNX Runtime's SimplifiedLayerNormalization; from the second on it is fused with the residual addition before it (SkipSimplifiedLayerNormalization).</para>
/// </remarks>
internal sealed class LlamaGraph
{
    public const string KeptLogits = "num_logits_to_keep";
    public const string HiddenStates = "hidden_states";
    private const string Head = "lm_head";
    private const string Batch = "batch_size";
    private const string Sequence = "sequence_length";
    private const string PastSequence = "past_sequence_length";
    private const string TotalSequence = "total_sequence_length";

    private readonly LlamaConfig _config;
    private readonly GraphFormat _format;
    private readonly OnnxGraphBuilder _graph = new();
    private readonly LinearLayers _linear;
    private readonly IAttention _attention;

    private LlamaGraph(LlamaConfig config, GraphFormat format)
    {
        (_config, _format) = (config, format);
        _linear = new LinearLayers(_graph, format);

        // What clients look at first comes first.
        _graph.Output("logits", OnnxType.Float, Batch, Sequence, config.VocabSize);
        var ids = _graph.Input("input_ids", OnnxType.Int64, Batch, Sequence);
        var mask = _graph.Input("attention_mask", OnnxType.Int64, Batch, TotalSequence);
        _attention = GroupQueryAttention.Takes(config)
            ? new GroupQueryAttention(_graph, config, mask, RotaryTables())
            : new StandardAttention(_graph, config, format.Activations, (ids, mask), RotaryTables());
        Decoder(ids);
    }

    /// <summary>The weights in the order in which the graph uses them.</summary>
    public IReadOnlyList<GraphWeight> Weights => _graph.Weights;

    /// <summary>Whether the KV cache is <see cref="GraphMetadata.Shared"/> or <see cref="GraphMetadata.Growing"/>.</summary>
    public string KvCache => _attention.KvCache;

    /// <summary>Builds the graph of a model.</summary>
    /// <exception cref="AlpacaException">The model has a position encoding that the graph's operators do not compute.</exception>
    public static LlamaGraph Build(LlamaConfig config, GraphFormat format) => new(config, format);

    /// <summary>The model with its weights in a data file.</summary>
    public OnnxModel ToModel(ExternalDataLayout layout) => new(
        IrVersion: 10,
        OperatorSets: new Dictionary<string, int> { [""] = _attention.OperatorSet, [OnnxGraphBuilder.Microsoft] = 1 },
        _graph.Build("llama", layout.Tensors))
    {
        Metadata = new Dictionary<string, string>
        {
            [GraphMetadata.KvCache] = KvCache,
            [GraphMetadata.Precision] = _format.Precision.ToString().ToLowerInvariant(),
            [GraphMetadata.AdapterInputs] = _format.AdapterInputs ? "true" : "false",
        },
    };

    private void Decoder(string ids)
    {
        var (residual, table) = Embed(ids);                                                   // [B, T, hidden]
        var x = RmsNorm(LlamaTensorNames.InputLayerNorm(0), residual);
        for (var layer = 0; layer < _config.NumHiddenLayers; layer++)
        {
            var isLast = layer == _config.NumHiddenLayers - 1;
            (x, residual) = AddAndRmsNorm(LlamaTensorNames.PostAttentionLayerNorm(layer), residual, Attention(layer, x));
            (x, residual) = AddAndRmsNorm(isLast ? LlamaTensorNames.Norm : LlamaTensorNames.InputLayerNorm(layer + 1), residual, FeedForward(layer, x));
        }

        Publish(x, _graph.Output(HiddenStates, OnnxType.Float, Batch, Sequence, _config.HiddenSize));
        Publish(LanguageModelHead(LastPositions(x), table), "logits");
    }

    /// <summary>Looks ids up.</summary>
    /// <returns>The vectors, and what a tied head multiplies by: the table's name, or the quantised matrix.</returns>
    private (string Vectors, (string? Name, GraphWeight.Quantized? Quantized) Table) Embed(string ids)
    {
        const string Scope = "/model/embed_tokens";
        if (_format.SharesQuantizedTable(_config))
        {
            var matrix = _linear.Matrix(Head, LlamaTensorNames.EmbedTokens, _format.Of(Head)!, _config.HiddenSize, _config.VocabSize);
            long[] flat = [matrix.Rows, matrix.Format.RowBytes(matrix.Columns)];
            var data = _graph.Node($"{Scope}/Reshape", "Reshape", [matrix.Parts[0].Name, _graph.Constant($"{Scope}/shape", flat, 2)]); // [V, blocks * bytes]
            var node = $"{Scope}/GatherBlockQuantized";
            var gathered = _graph.Node(
                node, OnnxGraphBuilder.Microsoft, "GatherBlockQuantized", [data, ids, .. matrix.Parts.Skip(1).Select(part => part.Name)], [$"{node}/output_0"],
                ("gather_axis", 0), ("quantize_axis", 1), ("block_size", matrix.Format.BlockSize), ("bits", matrix.Format.Bits));
            return (gathered, (null, matrix));
        }

        var type = _format.TableType(_config);
        var table = _graph.Weight(new GraphWeight.Copy(LlamaTensorNames.EmbedTokens, type, [_config.VocabSize, _config.HiddenSize], LlamaTensorNames.EmbedTokens));
        if (_format.AdapterInputs) _graph.Input(table, type, _config.VocabSize, _config.HiddenSize);
        var vectors = _graph.Node($"{Scope}/Gather", "Gather", [table, ids]);
        return (type == _format.Activations ? vectors : _graph.Cast(Scope, vectors, _format.Activations), (table, null));
    }

    private (string Cos, string Sin) RotaryTables()
    {
        var table = new RotaryTable(_config);
        long[] shape = [table.Positions, table.Frequencies];
        return (Table("cos_cache", table.Cos), Table("sin_cache", table.Sin));

        string Table(string name, GraphWeight.RowFunction row) => _graph.Weight(new GraphWeight.Table(name, _format.Activations, shape, row));
    }

    private string Attention(int layer, string x)
    {
        var (hidden, kvHeads, headDim) = (_config.HiddenSize, _config.NumKeyValueHeads, _config.HeadDim);
        var (all, shared) = (_config.NumAttentionHeads * headDim, kvHeads * headDim);
        var projected = (Linear(layer, "q_proj", x, hidden, all), Linear(layer, "k_proj", x, hidden, shared), Linear(layer, "v_proj", x, hidden, shared));
        var past = (Past("key"), Past("value"));
        var present = (Present("key"), Present("value"));
        var attended = _attention.Attend($"/model/layers/{layer}/self_attn", projected, past, present); // [B, T, heads * head size]
        return Linear(layer, "o_proj", attended, all, hidden);

        string Past(string part) => _graph.Input($"past_key_values.{layer}.{part}", _format.Activations, Batch, kvHeads, PastSequence, headDim);
        string Present(string part) => _graph.Output($"present.{layer}.{part}", _format.Activations, Batch, kvHeads, TotalSequence, headDim);
    }

    /// <summary>SwiGLU: down(silu(gate(x)) * up(x)), silu(g) = g * sigmoid(g).</summary>
    private string FeedForward(int layer, string x)
    {
        var (hidden, intermediate) = (_config.HiddenSize, _config.IntermediateSize);
        var node = $"/model/layers/{layer}/mlp";
        var gate = Linear(layer, "gate_proj", x, hidden, intermediate);
        var up = Linear(layer, "up_proj", x, hidden, intermediate);
        var silu = _graph.Node($"{node}/act_fn/Mul", "Mul", [gate, _graph.Node($"{node}/act_fn/Sigmoid", "Sigmoid", [gate])]);
        return Linear(layer, "down_proj", _graph.Node($"{node}/Mul", "Mul", [silu, up]), intermediate, hidden);
    }

    /// <summary>The last <see cref="KeptLogits"/> positions: x[:, -k:]. The head is the largest product of all, and generation needs one row of it.</summary>
    private string LastPositions(string x)
    {
        const string Scope = "/lm_head/kept";
        var kept = _graph.Input(_graph.Constant(KeptLogits, [0]), OnnxType.Int64);
        var axis = _graph.Constant($"{Scope}/axis", [1], 1);
        var start = _graph.Node($"{Scope}/Unsqueeze", "Unsqueeze", [_graph.Node($"{Scope}/Neg", "Neg", [kept]), _graph.Constant($"{Scope}/zero", [0], 1)]); // [1]
        return _graph.Node($"{Scope}/Slice", "Slice", [x, start, _graph.Constant($"{Scope}/end", [long.MaxValue], 1), axis]);
    }

    /// <summary>A tied head multiplies by the embedding's own table, so that it is stored once.</summary>
    private string LanguageModelHead(string x, (string? Name, GraphWeight.Quantized? Quantized) table)
    {
        var (hidden, vocabulary) = (_config.HiddenSize, _config.VocabSize);
        if (!_config.TieWordEmbeddings) return _linear.Apply(Head, x, hidden, vocabulary);
        var logits =
            table.Quantized is { } shared ? _linear.Quantized(Head, x, shared)
            : _format.TiedHeadIsQuantized(_config) ? _linear.Quantized(Head, x, _linear.Matrix(Head, LlamaTensorNames.EmbedTokens, _format.Of(Head)!, hidden, vocabulary))
            : TimesTable(x, table.Name!);
        return _linear.WithAdapter(Head, x, logits, hidden, vocabulary);
    }

    /// <summary>x tableᵀ. FusedMatMul multiplies without transposing, and exists for float32 alone on a CPU; a constant that is transposed there is so once, when the model is loaded.</summary>
    private string TimesTable(string x, string table)
    {
        const string Name = "/lm_head/MatMul";
        return _format.Activations == OnnxType.Float
            ? _graph.Node(Name, OnnxGraphBuilder.Microsoft, "FusedMatMul", [x, table], [$"{Name}/output_0"], ("transB", 1))
            : _graph.Node(Name, "MatMul", [x, _graph.Node("/lm_head/Transpose", "Transpose", [table])]);
    }

    private string RmsNorm(string weight, string x) => _graph.Node(
        $"{NormName(weight)}/LayerNorm", "SimplifiedLayerNormalization", [x, NormWeight(weight)], ("axis", -1), ("epsilon", (float)_config.RmsNormEps), ("stash_type", 1));

    /// <summary>residual + x, and its RMSNorm. After the last layer nobody needs the sum.</summary>
    private (string Normed, string Sum) AddAndRmsNorm(string weight, string residual, string x)
    {
        var name = $"{NormName(weight)}/SkipLayerNorm";
        var (normed, sum) = ($"{name}/output_0", $"{name}/output_3");
        _graph.Node(
            name, OnnxGraphBuilder.Microsoft, "SkipSimplifiedLayerNormalization", [residual, x, NormWeight(weight)],
            weight == LlamaTensorNames.Norm ? [normed] : [normed, "", "", sum], ("epsilon", (float)_config.RmsNormEps));
        return (normed, sum);
    }

    private string Linear(int layer, string projection, string x, int inFeatures, int outFeatures)
        => _linear.Apply(LlamaTensorNames.Module(layer, projection), x, inFeatures, outFeatures);

    private string NormWeight(string name) => _graph.Weight(new GraphWeight.Copy(name, _format.Activations, [_config.HiddenSize], name));

    /// <summary>Makes a value an output of the graph, in float32.</summary>
    private void Publish(string value, string output)
        => _graph.Rename(_format.Activations == OnnxType.Float ? value : _graph.Cast($"/{output}", value, OnnxType.Float), output);

    /// <summary>model.layers.0.input_layernorm.weight becomes /model/layers/0/input_layernorm.</summary>
    private static string NormName(string weight) => LinearLayers.NodeName(weight[..weight.LastIndexOf('.')]);
}
