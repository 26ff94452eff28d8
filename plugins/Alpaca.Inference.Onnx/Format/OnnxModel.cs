namespace Alpaca.Inference.Onnx;

/// <summary>An ONNX model: one graph and the operator sets it is written in.</summary>
/// <param name="IrVersion">The version of the file format; 10 goes with operator set 21.</param>
/// <param name="OperatorSets">Version by domain; the empty domain is ONNX itself.</param>
/// <param name="Graph">The graph.</param>
internal sealed record OnnxModel(int IrVersion, IReadOnlyDictionary<string, int> OperatorSets, OnnxGraph Graph)
{
    /// <summary>Facts about the model as text, by key.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}

/// <summary>A graph: nodes in an order in which every input exists before it is used.</summary>
internal sealed record OnnxGraph(
    string Name, IReadOnlyList<OnnxNode> Nodes, IReadOnlyList<OnnxTensor> Initializers, IReadOnlyList<OnnxValue> Inputs, IReadOnlyList<OnnxValue> Outputs);

/// <summary>One operator applied to values by name; an empty name leaves an optional input or output out.</summary>
internal sealed record OnnxNode(
    string Name, string Domain, string Operator, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, IReadOnlyList<OnnxAttribute> Attributes);

/// <summary>A named constant of a node.</summary>
internal abstract record OnnxAttribute(string Name)
{
    /// <summary>An integer attribute.</summary>
    internal sealed record Integer(string Name, long Value) : OnnxAttribute(Name);

    /// <summary>A floating-point attribute.</summary>
    internal sealed record Single(string Name, float Value) : OnnxAttribute(Name);

    public static implicit operator OnnxAttribute((string Name, int Value) attribute) => new Integer(attribute.Name, attribute.Value);

    public static implicit operator OnnxAttribute((string Name, float Value) attribute) => new Single(attribute.Name, attribute.Value);
}

/// <summary>An input or output of the graph.</summary>
internal sealed record OnnxValue(string Name, OnnxType Type, IReadOnlyList<OnnxDimension> Shape);

/// <summary>A size that is fixed, or a name for one that is known when the model runs.</summary>
internal readonly record struct OnnxDimension(long Size, string? Name)
{
    public static implicit operator OnnxDimension(long size) => new(size, null);

    public static implicit operator OnnxDimension(string name) => new(0, name);
}

/// <summary>A constant of the graph, held in the model itself or in a data file beside it.</summary>
internal sealed record OnnxTensor(string Name, OnnxType Type, IReadOnlyList<long> Shape)
{
    /// <summary>The row-major little-endian data; <see langword="null"/> when it is in a data file.</summary>
    public byte[]? Data { get; init; }

    /// <summary>Where the data is; <see langword="null"/> when it is in the model.</summary>
    public OnnxDataLocation? Location { get; init; }
}

/// <summary>A range of a data file.</summary>
/// <param name="File">The file's name, relative to the model.</param>
/// <param name="Offset">In bytes.</param>
/// <param name="Length">In bytes.</param>
internal sealed record OnnxDataLocation(string File, long Offset, long Length);

/// <summary>Element types by ONNX's numbers.</summary>
internal enum OnnxType
{
    Float = 1,
    UInt8 = 2,
    Int32 = 6,
    Int64 = 7,
    Bool = 9,
    Float16 = 10,
}

/// <summary>What is fixed about each <see cref="OnnxType"/>.</summary>
internal static class OnnxTypes
{
    /// <summary>Bytes of an element.</summary>
    public static int Size(this OnnxType type) => type switch
    {
        OnnxType.Float or OnnxType.Int32 => 4,
        OnnxType.UInt8 or OnnxType.Bool => 1,
        OnnxType.Int64 => 8,
        OnnxType.Float16 => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
