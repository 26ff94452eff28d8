using System.Runtime.InteropServices;

namespace Alpaca.Inference.Onnx;

/// <summary>Collects a graph node by node. Every method returns the name of the value it adds, so that calls nest like the formulas they stand for.</summary>
internal sealed class OnnxGraphBuilder
{
    private readonly List<OnnxNode> _nodes = [];
    private readonly List<OnnxTensor> _constants = [];
    private readonly List<OnnxValue> _inputs = [];
    private readonly List<OnnxValue> _outputs = [];

    /// <summary>The domain of the operators that ONNX Runtime adds to the standard.</summary>
    public const string Microsoft = "com.microsoft";

    /// <summary>Adds an input of the graph.</summary>
    public string Input(string name, OnnxType type, params OnnxDimension[] shape)
    {
        _inputs.Add(new OnnxValue(name, type, shape));
        return name;
    }

    /// <summary>Declares a value as an output of the graph.</summary>
    public string Output(string name, OnnxType type, params OnnxDimension[] shape)
    {
        _outputs.Add(new OnnxValue(name, type, shape));
        return name;
    }

    /// <summary>Adds a small constant held in the model file; a scalar when <paramref name="shape"/> is empty.</summary>
    public string Constant(string name, long value, params long[] shape)
    {
        _constants.Add(new OnnxTensor(name, OnnxType.Int64, shape) { Data = MemoryMarshal.AsBytes<long>([value]).ToArray() });
        return name;
    }

    /// <summary>Adds a node with one output, which is named after the node.</summary>
    public string Node(string name, string op, string[] inputs, params OnnxAttribute[] attributes)
        => Node(name, "", op, inputs, [$"{name}/output_0"], attributes);

    /// <summary>Adds a node.</summary>
    /// <returns>The name of the first output.</returns>
    public string Node(string name, string domain, string op, string[] inputs, string[] outputs, params OnnxAttribute[] attributes)
    {
        _nodes.Add(new OnnxNode(name, domain, op, inputs, outputs, attributes));
        return outputs[0];
    }

    /// <summary>The graph with its weights.</summary>
    public OnnxGraph Build(string name, IEnumerable<OnnxTensor> weights) => new(name, [.. _nodes], [.. _constants, .. weights], [.. _inputs], [.. _outputs]);
}
