using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>A graph whose products with matrices of 4 bits go to <see cref="Int4Operator"/>, and no longer hold their weights.</summary>
/// <remarks>
/// The file stays what every client of ONNX Runtime can read; it is changed in memory, when it is loaded. A MatMulNBits becomes an operator of a domain of its own that has a number instead of weights. Weights that nothing else uses are
/// taken out of the graph, so that ONNX Runtime does not load them beside the packed ones. Field numbers are those of <c>onnx.proto</c>.
/// </remarks>
/// <param name="Model">The changed model, a ModelProto.</param>
/// <param name="Products">The products that were taken over, by the number that their operator has.</param>
internal sealed record Int4Graph(byte[] Model, IReadOnlyList<Int4Product> Products)
{
    private const int ModelGraph = 7;
    private const int ModelOperatorSet = 8;
    private const int GraphNode = 1;
    private const int GraphInitializer = 5;
    private const int GraphInput = 11;
    private const int GraphOutput = 12;
    private const int ValueName = 1;
    private const int TensorName = 8;

    // Activations are rounded to 8 bits in the blocks of the weights; lower levels ask for more exact ones.
    private const int EightBitActivations = 4;

    /// <summary>Changes a model.</summary>
    /// <param name="model">A ModelProto.</param>
    /// <param name="weights">Its initializers.</param>
    /// <returns>The changed model; <see langword="null"/> when there is nothing to take over.</returns>
    /// <exception cref="InvalidDataException">The bytes are no model.</exception>
    public static Int4Graph? Of(ReadOnlySpan<byte> model, OnnxTensorSource weights)
    {
        var graph = GraphOf(model);
        var (nodes, named) = Read(graph);
        if (nodes.Any(node => node.HasSubgraph)) return null; // which may use whatever the graph around it has

        var products = new Dictionary<int, Int4Product>(); // by the node's number
        for (var i = 0; i < nodes.Count; i++)
        {
            if (ProductOf(nodes[i], weights) is { } product && !named.Contains(product.Data) && !named.Contains(product.Scales)) products.Add(i, product);
        }

        if (products.Count == 0) return null;
        var unused = products.Values.SelectMany(product => new[] { product.Data, product.Scales }).ToHashSet();
        for (var i = 0; i < nodes.Count; i++)
        {
            if (!products.ContainsKey(i)) unused.ExceptWith(nodes[i].Inputs);
        }

        return new Int4Graph(Write(model, nodes, products.Keys, unused), [.. products.OrderBy(product => product.Key).Select(product => product.Value)]);
    }

    private static ReadOnlySpan<byte> GraphOf(ReadOnlySpan<byte> model)
    {
        for (var fields = new ProtobufFields(model); fields.Next();)
        {
            if (fields.Number == ModelGraph) return fields.Bytes;
        }

        throw new InvalidDataException("it holds no graph");
    }

    /// <returns>The nodes in their order, and the names of the graph's inputs and outputs: what has one of them is no constant or is asked for.</returns>
    private static (List<OnnxNodeFields> Nodes, HashSet<string> Named) Read(ReadOnlySpan<byte> graph)
    {
        var (nodes, named) = (new List<OnnxNodeFields>(), new HashSet<string>());
        for (var fields = new ProtobufFields(graph); fields.Next();)
        {
            if (fields.Number == GraphNode) nodes.Add(OnnxNodeFields.Read(fields.Bytes));
            else if (fields.Number is GraphInput or GraphOutput) named.Add(TextOf(fields.Bytes, ValueName));
        }

        return (nodes, named);
    }

    private static Int4Product? ProductOf(OnnxNodeFields node, OnnxTensorSource weights)
    {
        if (node is not { Domain: OnnxGraphBuilder.Microsoft, Operator: "MatMulNBits", Outputs.Count: 1 }) return null;
        if (node.Inputs.Count < 3 || node.Inputs.Skip(3).Any(input => input.Length > 0)) return null; // zero points, a permutation or a bias
        if (node.Integer("bits") != 4 || node.Integer("accuracy_level") != EightBitActivations) return null;
        if (!IsSize(node.Integer("N")) || !IsSize(node.Integer("K")) || node.Integer("block_size") is not (32 or 64 or 128 or 256)) return null;

        var product = new Int4Product(node.Inputs[1], node.Inputs[2], (int)node.Integer("N"), (int)node.Integer("K"), new BlockFormat(4, (int)node.Integer("block_size"), Symmetric: true));
        var (rows, blocks) = ((long)product.Rows, product.Blocks.Blocks(product.Columns));
        return weights.Find(product.Data) is { DType: DType.UInt8 } data && data.ElementCount == rows * product.Blocks.RowBytes(product.Columns)
            && weights.Find(product.Scales) is { DType: DType.Float32 } scales && scales.ElementCount == rows * blocks
            ? product
            : null;

        static bool IsSize(long size) => size is > 0 and <= int.MaxValue / 2;
    }

    private static byte[] Write(ReadOnlySpan<byte> model, List<OnnxNodeFields> nodes, ICollection<int> taken, HashSet<string> unused)
    {
        var written = new ProtobufWriter();
        for (var fields = new ProtobufFields(model); fields.Next();)
        {
            if (fields.Number == ModelGraph) written.Bytes(ModelGraph, WriteGraph(fields.Bytes, nodes, taken, unused).Written);
            else written.Raw(fields.Raw);
        }

        written.Message(ModelOperatorSet, set =>
        {
            set.Text(1, Int4Operator.Domain);
            set.Integer(2, Int4Operator.Version);
        });
        return written.Written.ToArray();
    }

    private static ProtobufWriter WriteGraph(ReadOnlySpan<byte> graph, List<OnnxNodeFields> nodes, ICollection<int> taken, HashSet<string> unused)
    {
        var written = new ProtobufWriter();
        var (node, product) = (0, 0);
        for (var fields = new ProtobufFields(graph); fields.Next();)
        {
            if (fields.Number == GraphInitializer && unused.Contains(TextOf(fields.Bytes, TensorName))) continue;
            if (fields.Number != GraphNode || !taken.Contains(node++))
            {
                written.Raw(fields.Raw);
                continue;
            }

            var (old, number) = (nodes[node - 1], product++);
            written.Message(GraphNode, proto => OnnxWriter.WriteNode(proto, new OnnxNode(old.Name, Int4Operator.Domain, Int4Operator.Name, [old.Inputs[0]], old.Outputs, [(Int4Operator.Number, number)])));
        }

        return written;
    }

    private static string TextOf(ReadOnlySpan<byte> message, int field)
    {
        for (var fields = new ProtobufFields(message); fields.Next();)
        {
            if (fields.Number == field) return fields.Text;
        }

        return "";
    }
}
