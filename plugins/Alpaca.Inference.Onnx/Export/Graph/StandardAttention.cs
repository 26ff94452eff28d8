using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>ONNX's own operators, which take heads of any size; the cache grows by a copy in each step.</summary>
/// <remarks>Positions count the ones of the attention mask, so that sequences may be padded on the left.</remarks>
internal sealed class StandardAttention : IAttention
{
    private const string Scope = "/model/attn_mask";

    private readonly OnnxGraphBuilder _graph;
    private readonly LlamaConfig _config;
    private readonly (string Cos, string Sin) _rotary;
    private readonly string _positions; // int64 [B, T]
    private readonly string _bias;      // [B, 1, T, P+T]

    public StandardAttention(OnnxGraphBuilder graph, LlamaConfig config, OnnxType type, (string Ids, string Mask) inputs, (string Cos, string Sin) rotary)
    {
        (_graph, _config, _rotary) = (graph, config, rotary);
        var axis = graph.Constant($"{Scope}/one", [1], 1);
        var total = Length("total", inputs.Mask);                                                                       // [1]
        var first = graph.Node($"{Scope}/first/Sub", "Sub", [total, Length("new", inputs.Ids)]);                        // [1], P
        var counted = graph.Node($"{Scope}/CumSum", "CumSum", [inputs.Mask, graph.Constant($"{Scope}/axis", [1])]);     // [B, P+T]
        var positions = graph.Node($"{Scope}/positions/Max", "Max", [graph.Node($"{Scope}/positions/Sub", "Sub", [counted, axis]), graph.Constant($"{Scope}/zero", [0])]);
        _positions = graph.Node($"{Scope}/positions/Slice", "Slice", [positions, first, total, axis]);                  // [B, T]
        _bias = Bias(type, inputs.Mask, first, total);

        string Length(string name, string value) => graph.Node($"{Scope}/{name}/Shape", "Shape", [value], ("start", 1), ("end", 2));
    }

    public int OperatorSet => 23;

    public string KvCache => GraphMetadata.Growing;

    public string Attend(string name, (string Q, string K, string V) projected, (string Key, string Value) past, (string Key, string Value) present)
    {
        var node = $"{name}/Attention";
        return _graph.Node(
            node, "", "Attention",
            [Rotated("q", projected.Q, _config.NumAttentionHeads), Rotated("k", projected.K, _config.NumKeyValueHeads), projected.V, _bias, past.Key, past.Value],
            [$"{node}/output_0", present.Key, present.Value],
            ("q_num_heads", _config.NumAttentionHeads), ("kv_num_heads", _config.NumKeyValueHeads), ("scale", 1f / MathF.Sqrt(_config.HeadDim)));

        string Rotated(string part, string value, int heads) => _graph.Node(
            $"{name}/{part}_rotary/RotaryEmbedding", "RotaryEmbedding", [value, _rotary.Cos, _rotary.Sin, _positions], ("num_heads", heads), ("interleaved", 0));
    }

    /// <summary>0 where a position sees another, the least number where it does not: a row of padding sees nothing, and a softmax over minus infinities would be no number.</summary>
    private string Bias(OnnxType type, string mask, string first, string total)
    {
        var one = _graph.Constant($"{Scope}/step", [1]);
        var end = _graph.Node($"{Scope}/end/Squeeze", "Squeeze", [total]);
        var keys = _graph.Node($"{Scope}/Range", "Range", [_graph.Constant($"{Scope}/start", [0]), end, one]);          // [P+T]
        var queries = _graph.Node($"{Scope}/queries/Slice", "Slice", [keys, first, total, _graph.Constant($"{Scope}/first_axis", [0], 1)]); // [T]
        var column = _graph.Node($"{Scope}/queries/Unsqueeze", "Unsqueeze", [queries, _graph.Constant($"{Scope}/column_axis", [1], 1)]);    // [T, 1]
        var causal = _graph.Node($"{Scope}/LessOrEqual", "LessOrEqual", [keys, column]);                                // [T, P+T]
        var valid = _graph.Node($"{Scope}/valid/Unsqueeze", "Unsqueeze", [_graph.Cast($"{Scope}/valid", mask, OnnxType.Bool), _graph.Constant($"{Scope}/head_axes", [1, 2], 2)]); // [B, 1, 1, P+T]
        var seen = _graph.Node($"{Scope}/And", "And", [causal, valid]);                                                 // [B, 1, T, P+T]
        var least = type == OnnxType.Float16 ? (float)Half.MinValue : float.MinValue;
        return _graph.Node($"{Scope}/Where", "Where", [seen, _graph.Constant($"{Scope}/visible", type, 0), _graph.Constant($"{Scope}/hidden", type, least)]);
    }
}
