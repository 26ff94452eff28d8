using System.Globalization;

namespace Alpaca.Inference.Onnx;

/// <summary>Writes a model as <c>onnx.proto</c> lays it out. Weights belong in a data file: a protobuf message cannot pass 2 GB.</summary>
internal static class OnnxWriter
{
    /// <summary>What models say who made them.</summary>
    public const string Producer = "Alpaca";

    private const int AttributeTypeFloat = 1;
    private const int AttributeTypeInt = 2;
    private const int DataLocationExternal = 1;

    /// <summary>The model as the bytes of a ModelProto.</summary>
    public static byte[] Write(OnnxModel model)
    {
        var proto = new ProtobufWriter();
        proto.Integer(1, model.IrVersion);
        proto.Text(2, Producer);
        proto.Message(7, graph => WriteGraph(graph, model.Graph));
        foreach (var (domain, version) in model.OperatorSets)
        {
            proto.Message(8, set =>
            {
                set.Text(1, domain);
                set.Integer(2, version);
            });
        }

        foreach (var (key, value) in model.Metadata) proto.Message(14, entry => WriteEntry(entry, key, value));
        return proto.Written.ToArray();
    }

    private static void WriteGraph(ProtobufWriter proto, OnnxGraph graph)
    {
        foreach (var node in graph.Nodes) proto.Message(1, p => WriteNode(p, node));
        proto.Text(2, graph.Name);
        foreach (var tensor in graph.Initializers) proto.Message(5, p => WriteTensor(p, tensor));
        foreach (var input in graph.Inputs) proto.Message(11, p => WriteValue(p, input));
        foreach (var output in graph.Outputs) proto.Message(12, p => WriteValue(p, output));
    }

    /// <summary>Writes a NodeProto.</summary>
    public static void WriteNode(ProtobufWriter proto, OnnxNode node)
    {
        foreach (var input in node.Inputs) proto.Text(1, input);
        foreach (var output in node.Outputs) proto.Text(2, output);
        proto.Text(3, node.Name);
        proto.Text(4, node.Operator);
        foreach (var attribute in node.Attributes) proto.Message(5, p => WriteAttribute(p, attribute));
        if (node.Domain.Length > 0) proto.Text(7, node.Domain);
    }

    private static void WriteAttribute(ProtobufWriter proto, OnnxAttribute attribute)
    {
        proto.Text(1, attribute.Name);
        switch (attribute)
        {
            case OnnxAttribute.Single single:
                proto.Single(2, single.Value);
                proto.Integer(20, AttributeTypeFloat);
                break;
            case OnnxAttribute.Integer integer:
                proto.Integer(3, integer.Value);
                proto.Integer(20, AttributeTypeInt);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(attribute), attribute, null);
        }
    }

    private static void WriteTensor(ProtobufWriter proto, OnnxTensor tensor)
    {
        foreach (var size in tensor.Shape) proto.Integer(1, size);
        proto.Integer(2, (int)tensor.Type);
        proto.Text(8, tensor.Name);
        if (tensor.Data is { } data) proto.Bytes(9, data);
        if (tensor.Location is not { } location) return;
        proto.Message(13, entry => WriteEntry(entry, "location", location.File));
        proto.Message(13, entry => WriteEntry(entry, "offset", location.Offset.ToString(CultureInfo.InvariantCulture)));
        proto.Message(13, entry => WriteEntry(entry, "length", location.Length.ToString(CultureInfo.InvariantCulture)));
        proto.Integer(14, DataLocationExternal);
    }

    /// <summary>ValueInfoProto { name, TypeProto { tensor_type { elem_type, shape { dim { value or name } } } } }.</summary>
    private static void WriteValue(ProtobufWriter proto, OnnxValue value)
    {
        proto.Text(1, value.Name);
        proto.Message(2, type => type.Message(1, tensor =>
        {
            tensor.Integer(1, (int)value.Type);
            tensor.Message(2, shape =>
            {
                foreach (var dimension in value.Shape)
                {
                    shape.Message(1, p =>
                    {
                        if (dimension.Name is { } name) p.Text(2, name);
                        else p.Integer(1, dimension.Size);
                    });
                }
            });
        }));
    }

    private static void WriteEntry(ProtobufWriter proto, string key, string value)
    {
        proto.Text(1, key);
        proto.Text(2, value);
    }
}
