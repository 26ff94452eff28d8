using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>Which products are taken over from ONNX Runtime, and what is left of the graph.</summary>
public sealed class Int4GraphTests
{
    [Fact]
    public void Of_Product_ReplacesItAndTakesItsWeightsOut()
    {
        using var model = new ProductModel(40, 80, 32);

        var graph = model.Graph()!;

        graph.Products.Should().Equal(new Int4Product("w", "w_scales", 40, 80, model.Format));
        InitializersOf(graph).Should().BeEmpty();
        NodesOf(graph).Should().ContainSingle().Which.Should().BeEquivalentTo(new { Name = "product", Domain = "alpaca", Operator = "Int4MatMul", Inputs = new[] { "x" }, Outputs = new[] { "y" } });
        graph.Model.Length.Should().BeLessThan(500);
    }

    [Fact]
    public void Of_SeveralProducts_NumbersThemInTheirOrder()
    {
        using var model = new ProductModel(64, 64, 32);
        model.Write(
            nodes: [model.Node() with { Name = "a", Outputs = ["a"] }, new OnnxNode("b", "", "Sigmoid", ["a"], ["b"], []), model.Node() with { Name = "c", Inputs = ["b", "v", "v_scales"] }],
            initializers: [.. model.Initializers(), .. model.Initializers().Select(tensor => tensor with { Name = tensor.Name.Replace('w', 'v') })]);

        var graph = model.Graph()!;

        graph.Products.Select(product => product.Data).Should().Equal("w", "v");
        NodesOf(graph).Select(node => (node.Name, node.Operator, node.Integers.GetValueOrDefault("matrix", -1))).Should().Equal(("a", "Int4MatMul", 0), ("b", "Sigmoid", -1), ("c", "Int4MatMul", 1));
    }

    [Fact]
    public void Of_WeightsThatAnotherNodeUses_LeavesThemInTheGraph()
    {
        using var model = new ProductModel(64, 64, 32);
        model.Write(
            nodes: [model.Node(), new OnnxNode("shape", "", "Shape", ["w"], ["shape"], [])],
            outputs: [new OnnxValue("shape", OnnxType.Int64, [3])]);

        var graph = model.Graph()!;

        graph.Products.Should().HaveCount(1);
        InitializersOf(graph).Should().Equal("w");
    }

    [Theory]
    [InlineData("bits", 8)]
    [InlineData("block_size", 16)]
    [InlineData("accuracy_level", 0)]
    [InlineData("N", 41)]
    [InlineData("K", 200)]
    public void Of_ProductOfAnotherKind_IsLeftToOnnxRuntime(string attribute, int value)
    {
        using var model = new ProductModel(40, 80, 32);
        model.Write(nodes: [model.Node((attribute, value))]);

        model.Graph().Should().BeNull();
    }

    [Fact]
    public void Of_ZeroPoints_IsLeftToOnnxRuntime()
    {
        using var model = new ProductModel(40, 64, 32);
        model.Write(nodes: [model.Node() with { Inputs = ["x", "w", "w_scales", "zeros"] }], initializers: [.. model.Initializers(), new OnnxTensor("zeros", OnnxType.UInt8, [40]) { Data = new byte[40] }]);

        model.Graph().Should().BeNull();
    }

    [Fact]
    public void Of_HalfPrecisionScales_IsLeftToOnnxRuntime()
    {
        using var model = new ProductModel(40, 64, 32);
        model.Write(initializers: [model.Initializers()[0], new OnnxTensor("w_scales", OnnxType.Float16, [40, 2]) { Data = new byte[160] }]);

        model.Graph().Should().BeNull();
    }

    [Fact]
    public void Of_WeightsThatMayBeFed_IsLeftToOnnxRuntime()
    {
        using var model = new ProductModel(40, 64, 32);
        model.Write(outputs: [new OnnxValue("w", OnnxType.UInt8, [40, 2, 16])]);

        model.Graph().Should().BeNull();
    }

    [Fact]
    public void Of_DamagedModel_Throws()
    {
        using var model = new ProductModel(40, 64, 32);
        using var weights = model.Open();
        var bytes = File.ReadAllBytes(model.File);

        for (var length = 1; length < bytes.Length; length += 97)
        {
            try
            {
                _ = Int4Graph.Of(bytes.AsSpan(0, length), weights);
            }
            catch (InvalidDataException)
            {
                // which is right, unless the cut happens to be between two fields
            }
        }

        var act = () => Int4Graph.Of(bytes.AsSpan(0, bytes.Length - 1), weights);
        act.Should().Throw<InvalidDataException>();
    }

    private static List<string> InitializersOf(Int4Graph graph)
    {
        using var folder = new TemporaryFolder();
        var file = folder.Combine("model.onnx");
        File.WriteAllBytes(file, graph.Model);
        using var source = OnnxTensorSource.Open(file);
        return [.. source.Tensors.Select(tensor => tensor.Name)];
    }

    private static List<OnnxNodeFields> NodesOf(Int4Graph graph)
    {
        var nodes = new List<OnnxNodeFields>();
        for (var fields = new ProtobufFields(graph.Model); fields.Next();)
        {
            if (fields.Number != 7) continue;
            for (var inner = new ProtobufFields(fields.Bytes); inner.Next();)
            {
                if (inner.Number == 1) nodes.Add(OnnxNodeFields.Read(inner.Bytes));
            }
        }

        return nodes;
    }
}
