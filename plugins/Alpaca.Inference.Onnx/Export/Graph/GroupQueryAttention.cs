using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>ONNX Runtime's operator: it rotates q and k (halves, not interleaved pairs, as Hugging Face weights want it), appends to the cache, in place where past and present are one buffer, and attends.</summary>
internal sealed class GroupQueryAttention : IAttention
{
    private const int HeadSizeUnit = 16;

    private readonly OnnxGraphBuilder _graph;
    private readonly LlamaConfig _config;
    private readonly (string LastPosition, string Total) _lengths;
    private readonly (string Cos, string Sin) _rotary;

    public GroupQueryAttention(OnnxGraphBuilder graph, LlamaConfig config, string mask, (string Cos, string Sin) rotary)
    {
        (_graph, _config, _rotary) = (graph, config, rotary);
        _lengths = SequenceLengths(mask);
    }

    public int OperatorSet => 21;

    public string KvCache => GraphMetadata.Shared;

    /// <summary>Whether the operator takes heads of that size.</summary>
    public static bool Takes(LlamaConfig config) => config.HeadDim % HeadSizeUnit == 0;

    public string Attend(string name, (string Q, string K, string V) projected, (string Key, string Value) past, (string Key, string Value) present)
    {
        var node = $"{name}/GroupQueryAttention";
        return _graph.Node(
            node, OnnxGraphBuilder.Microsoft, "GroupQueryAttention",
            [projected.Q, projected.K, projected.V, past.Key, past.Value, _lengths.LastPosition, _lengths.Total, _rotary.Cos, _rotary.Sin],
            [$"{node}/output_0", present.Key, present.Value],
            ("num_heads", _config.NumAttentionHeads), ("kv_num_heads", _config.NumKeyValueHeads), ("scale", 1f / MathF.Sqrt(_config.HeadDim)), ("do_rotary", 1), ("rotary_interleaved", 0));
    }

    /// <summary>What the operator wants instead of a mask: the last position of each sequence, int32 [B], and the longest length, an int32 scalar.</summary>
    private (string LastPosition, string Total) SequenceLengths(string mask)
    {
        var one = _graph.Constant("/model/attn_mask/one", [1], 1);
        var ones = _graph.Node("/model/attn_mask/ReduceSum", "ReduceSum", [mask, one], ("keepdims", 0)); // over axis 1: [B]
        var last = _graph.Node("/model/attn_mask/Sub", "Sub", [ones, one]);
        var shape = _graph.Node("/model/attn_mask/Shape", "Shape", [mask]);
        var total = _graph.Node("/model/attn_mask/Gather", "Gather", [shape, _graph.Constant("/model/attn_mask/axis", [1])]);
        return (_graph.Cast("/model/attn_mask/last", last, OnnxType.Int32), _graph.Cast("/model/attn_mask/total", total, OnnxType.Int32));
    }
}
