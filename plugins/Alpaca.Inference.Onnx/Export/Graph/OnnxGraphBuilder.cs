using System.Runtime.InteropServices;

namespace Alpaca.Inference.Onnx;

/// <summary>Collects a graph node by node. Every method returns the name of the value it adds, so that calls nest like the formulas they stand for.</summary>
internal sealed class OnnxGraphBuilder
{
    private readonly List<OnnxNode> _nodes = [];
    private readonly List<OnnxTensor> _constants = [];
    private readonly List<GraphWeight> _weights = [];
    private readonly List<OnnxValue> _inputs = [];
    private readonly List<OnnxValue> _outputs = [];
    private readonly Dictionary<string, string> _renamed = [];

    /// <summary>The domain of the operators that ONNX Runtime adds to the standard.</summary>
    public const string Microsoft = "com.microsoft";

    /// <summary>The weights in the order in which they were added.</summary>
    public IReadOnlyList<GraphWeight> Weights => _weights;

    /// <summary>Adds an input of the graph. A constant or weight of the same name is what it is when nobody feeds it.</summary>
    public string Input(string name, OnnxType type, params OnnxDimension[] shape)
    {
        _inputs.Add(new OnnxValue(name, type, shape));
        return name;
    }

    /// <summary>Declares an output of the graph, to be computed under that name.</summary>
    public string Output(string name, OnnxType type, params OnnxDimension[] shape)
    {
        _outputs.Add(new OnnxValue(name, type, shape));
        return name;
    }

    /// <summary>Gives a computed value another name, everywhere: that of an output.</summary>
    public void Rename(string value, string name) => _renamed.Add(value, name);

    /// <summary>Adds small integers held in the model file; a scalar when <paramref name="shape"/> is empty.</summary>
    public string Constant(string name, ReadOnlySpan<long> values, params long[] shape) => Constant(name, OnnxType.Int64, MemoryMarshal.AsBytes(values).ToArray(), shape);

    /// <summary>Adds a number as a scalar held in the model file.</summary>
    public string Constant(string name, OnnxType type, float value)
        => Constant(name, type, type == OnnxType.Float16 ? BitConverter.GetBytes((Half)value) : BitConverter.GetBytes(value), []);

    /// <summary>Adds a tensor without elements: what an input is when nobody feeds it.</summary>
    public string Empty(string name, OnnxType type, params long[] shape) => Constant(name, type, [], shape);

    /// <summary>Adds a weight held in the data file.</summary>
    /// <returns>The name of its first initializer.</returns>
    public string Weight(GraphWeight weight)
    {
        _weights.Add(weight);
        return weight.Name;
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

    /// <summary>Adds a conversion to another type.</summary>
    public string Cast(string name, string value, OnnxType type) => Node($"{name}/Cast", "Cast", [value], ("to", (int)type));

    /// <summary>The graph with the initializers of its weights.</summary>
    public OnnxGraph Build(string name, IEnumerable<OnnxTensor> weights) => new(
        name,
        [.. _nodes.Select(node => node with { Inputs = Renamed(node.Inputs), Outputs = Renamed(node.Outputs) })],
        [.. _constants, .. weights], [.. _inputs], [.. _outputs]);

    private string Constant(string name, OnnxType type, byte[] data, long[] shape)
    {
        _constants.Add(new OnnxTensor(name, type, shape) { Data = data });
        return name;
    }

    private string[] Renamed(IEnumerable<string> names) => [.. names.Select(name => _renamed.GetValueOrDefault(name, name))];
}
