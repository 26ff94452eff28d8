using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>The LLaMA decoder as an ONNX graph, with the input and output names that onnxruntime-genai and optimum clients know.</summary>
/// <remarks>
/// <para>Inputs: <c>input_ids</c> int64 [B, T], <c>attention_mask</c> int64 [B, P+T], <c>past_key_values.N.key|value</c> float [B, KV heads, P, head size].
/// Outputs: <c>logits</c> float [B, T, vocabulary], <c>present.N.key|value</c> float [B, KV heads, P+T, head size]. A runtime that binds one buffer as past and
/// present gets the KV cache updated in place.</para>
/// <para>RMSNorm is ONNX Runtime's SimplifiedLayerNormalization; from the second on it is fused with the residual addition before it
/// (SkipSimplifiedLayerNormalization). GroupQueryAttention rotates q and k (halves, not interleaved pairs, as Hugging Face weights want it), appends to the cache
/// and attends causally.</para>
/// </remarks>
internal sealed class LlamaGraph
{
    private const int HeadSizeUnit = 16;
    private const string Batch = "batch_size";
    private const string Sequence = "sequence_length";
    private const string PastSequence = "past_sequence_length";
    private const string TotalSequence = "total_sequence_length";

    private readonly LlamaConfig _config;
    private readonly RotaryTable _rotary;
    private readonly OnnxGraphBuilder _graph = new();
    private readonly List<GraphWeight> _weights = [];

    private LlamaGraph(LlamaConfig config)
    {
        if (config.HeadDim % HeadSizeUnit != 0)
        {
            throw new AlpacaException(
                $"The model's heads are {config.HeadDim} wide, and ONNX Runtime's GroupQueryAttention takes multiples of {HeadSizeUnit} only; run this model with the Torch backend.");
        }

        _config = config;
        _rotary = new RotaryTable(config);
        Decoder();
    }

    /// <summary>The weights in the order in which the graph uses them.</summary>
    public IReadOnlyList<GraphWeight> Weights => _weights;

    /// <summary>Builds the graph of a model.</summary>
    /// <exception cref="AlpacaException">The model has a head size or a position encoding that the graph's operators do not compute.</exception>
    public static LlamaGraph Build(LlamaConfig config) => new(config);

    /// <summary>The model with its weights in a data file.</summary>
    public OnnxModel ToModel(ExternalDataLayout layout) => new(
        IrVersion: 10,
        OperatorSets: new Dictionary<string, int> { [""] = 21, [OnnxGraphBuilder.Microsoft] = 1 },
        _graph.Build("llama", layout.Tensors));

    private void Decoder()
    {
        var logits = _graph.Output("logits", OnnxType.Float, Batch, Sequence, _config.VocabSize);
        var ids = _graph.Input("input_ids", OnnxType.Int64, Batch, Sequence);
        var lengths = SequenceLengths(_graph.Input("attention_mask", OnnxType.Int64, Batch, TotalSequence));
        var rotary = RotaryTables();

        var embedding = Copy(LlamaTensorNames.EmbedTokens, _config.VocabSize, _config.HiddenSize);
        var residual = _graph.Node("/model/embed_tokens/Gather", "Gather", [embedding, ids]); // [B, T, hidden]
        var x = RmsNorm(LlamaTensorNames.InputLayerNorm(0), residual);
        for (var layer = 0; layer < _config.NumHiddenLayers; layer++)
        {
            var isLast = layer == _config.NumHiddenLayers - 1;
            (x, residual) = AddAndRmsNorm(LlamaTensorNames.PostAttentionLayerNorm(layer), residual, Attention(layer, x, lengths, rotary));
            (x, residual) = AddAndRmsNorm(isLast ? LlamaTensorNames.Norm : LlamaTensorNames.InputLayerNorm(layer + 1), residual, FeedForward(layer, x));
        }

        LanguageModelHead(x, embedding, logits);
    }

    /// <summary>What GroupQueryAttention wants instead of a mask: the last position of each sequence, int32 [B], and the longest length, an int32 scalar.</summary>
    private (string LastPosition, string Total) SequenceLengths(string mask)
    {
        var one = _graph.Constant("/model/attn_mask/one", 1, 1);
        var ones = _graph.Node("/model/attn_mask/ReduceSum", "ReduceSum", [mask, one], ("keepdims", 0)); // over axis 1: [B]
        var last = _graph.Node("/model/attn_mask/Sub", "Sub", [ones, one]);
        var shape = _graph.Node("/model/attn_mask/Shape", "Shape", [mask]);
        var total = _graph.Node("/model/attn_mask/Gather", "Gather", [shape, _graph.Constant("/model/attn_mask/axis", 1)]);
        return (ToInt32("/model/attn_mask/last", last), ToInt32("/model/attn_mask/total", total));
    }

    private string ToInt32(string name, string value) => _graph.Node($"{name}/Cast", "Cast", [value], ("to", (int)OnnxType.Int32));

    private (string Cos, string Sin) RotaryTables()
    {
        long[] shape = [_rotary.Positions, _rotary.Frequencies];
        return (Weight(new GraphWeight.Table("cos_cache", shape, _rotary.Cos)), Weight(new GraphWeight.Table("sin_cache", shape, _rotary.Sin)));
    }

    private string Attention(int layer, string x, (string LastPosition, string Total) lengths, (string Cos, string Sin) rotary)
    {
        var (hidden, heads, kvHeads, headDim) = (_config.HiddenSize, _config.NumAttentionHeads, _config.NumKeyValueHeads, _config.HeadDim);
        var q = Linear(layer, "q_proj", x, hidden, heads * headDim);   // [B, T, heads * head size]
        var k = Linear(layer, "k_proj", x, hidden, kvHeads * headDim); // [B, T, KV heads * head size]
        var v = Linear(layer, "v_proj", x, hidden, kvHeads * headDim);

        var (pastKey, pastValue) = (Past("key"), Past("value"));
        var (presentKey, presentValue) = (Present("key"), Present("value"));
        var name = $"/model/layers/{layer}/self_attn/GroupQueryAttention";
        var attended = _graph.Node( // softmax(q k^T / sqrt(head size)) v, [B, T, heads * head size]
            name, OnnxGraphBuilder.Microsoft, "GroupQueryAttention",
            [q, k, v, pastKey, pastValue, lengths.LastPosition, lengths.Total, rotary.Cos, rotary.Sin],
            [$"{name}/output_0", presentKey, presentValue],
            ("num_heads", heads), ("kv_num_heads", kvHeads), ("scale", 1f / MathF.Sqrt(headDim)), ("do_rotary", 1), ("rotary_interleaved", 0));
        return Linear(layer, "o_proj", attended, heads * headDim, hidden);

        string Past(string part) => _graph.Input($"past_key_values.{layer}.{part}", OnnxType.Float, Batch, kvHeads, PastSequence, headDim);
        string Present(string part) => _graph.Output($"present.{layer}.{part}", OnnxType.Float, Batch, kvHeads, TotalSequence, headDim);
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

    /// <summary>Logits for every position, as other clients expect. A tied head multiplies by the embedding itself, so that the table is stored once.</summary>
    private void LanguageModelHead(string x, string embedding, string logits)
    {
        const string Name = "/lm_head/MatMul";
        if (_config.TieWordEmbeddings)
            _graph.Node(Name, OnnxGraphBuilder.Microsoft, "FusedMatMul", [x, embedding], [logits], ("transB", 1));
        else
            _graph.Node(Name, "", "MatMul", [x, Transpose("lm_head", _config.HiddenSize, _config.VocabSize)], [logits]);
    }

    private string RmsNorm(string weight, string x) => _graph.Node(
        $"{NodeName(weight)}/LayerNorm", "SimplifiedLayerNormalization", [x, Copy(weight, _config.HiddenSize)],
        ("axis", -1), ("epsilon", (float)_config.RmsNormEps), ("stash_type", 1));

    /// <summary>residual + x, and its RMSNorm. After the last layer nobody needs the sum.</summary>
    private (string Normed, string Sum) AddAndRmsNorm(string weight, string residual, string x)
    {
        var name = $"{NodeName(weight)}/SkipLayerNorm";
        var (normed, sum) = ($"{name}/output_0", $"{name}/output_3");
        _graph.Node(
            name, OnnxGraphBuilder.Microsoft, "SkipSimplifiedLayerNormalization", [residual, x, Copy(weight, _config.HiddenSize)],
            weight == LlamaTensorNames.Norm ? [normed] : [normed, "", "", sum], ("epsilon", (float)_config.RmsNormEps));
        return (normed, sum);
    }

    private string Linear(int layer, string projection, string x, long inFeatures, long outFeatures)
    {
        var module = LlamaTensorNames.Module(layer, projection);
        return _graph.Node($"/{module.Replace('.', '/')}/MatMul", "MatMul", [x, Transpose(module, inFeatures, outFeatures)]);
    }

    private string Copy(string name, params long[] shape) => Weight(new GraphWeight.Copy(name, shape, name));

    private string Transpose(string module, long inFeatures, long outFeatures)
        => Weight(new GraphWeight.Transpose($"{module}.MatMul.weight", [inFeatures, outFeatures], $"{module}.weight"));

    private string Weight(GraphWeight weight)
    {
        _weights.Add(weight);
        return weight.Name;
    }

    /// <summary>model.layers.0.input_layernorm.weight becomes /model/layers/0/input_layernorm.</summary>
    private static string NodeName(string weight) => $"/{weight[..weight.LastIndexOf('.')].Replace('.', '/')}";
}
