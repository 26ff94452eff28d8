namespace Alpaca.Inference.Onnx;

/// <summary>The products with matrices, each in its precision, and what an adapter adds to them.</summary>
internal sealed class LinearLayers(OnnxGraphBuilder graph, GraphFormat format)
{
    // Activations are rounded to 8-bit integers in the same blocks as the weights: several times as fast on a CPU as anything else, and ignored elsewhere.
    private const int AccuracyLevel = 4;

    /// <summary>y = x Wᵀ.</summary>
    /// <param name="module">The layer.</param>
    /// <param name="x">[B, T, in]</param>
    /// <param name="inFeatures">in</param>
    /// <param name="outFeatures">out</param>
    /// <returns>[B, T, out]</returns>
    public string Apply(string module, string x, int inFeatures, int outFeatures)
    {
        var y = format.Of(module) is { } blocks
            ? Quantized(module, x, Matrix(module, $"{module}.weight", blocks, inFeatures, outFeatures))
            : graph.Node(
                $"{NodeName(module)}/MatMul", "MatMul",
                [x, graph.Weight(new GraphWeight.Transpose($"{module}.MatMul.weight", format.Activations, [inFeatures, outFeatures], $"{module}.weight"))]);
        return WithAdapter(module, x, y, inFeatures, outFeatures);
    }

    /// <summary>A matrix of the model as it is quantised.</summary>
    public GraphWeight.Quantized Matrix(string module, string source, BlockFormat blocks, int inFeatures, int outFeatures)
        => new($"{module}.MatMul.weight", blocks, format.Activations, outFeatures, inFeatures, source);

    /// <summary>y = x Wᵀ with a quantised W, which is added to the graph.</summary>
    public string Quantized(string module, string x, GraphWeight.Quantized matrix)
    {
        graph.Weight(matrix);
        var name = $"{NodeName(module)}/MatMulNBits";
        return graph.Node(
            name, OnnxGraphBuilder.Microsoft, "MatMulNBits", [x, .. matrix.Parts.Select(part => part.Name)], [$"{name}/output_0"],
            ("K", matrix.Columns), ("N", (int)matrix.Rows), ("bits", matrix.Format.Bits), ("block_size", matrix.Format.BlockSize), ("accuracy_level", AccuracyLevel));
    }

    /// <summary>y + (x A) B, where A [in, r] and B [r, out] are fed by whoever has an adapter; r is 0 for everybody else, and nothing is added.</summary>
    public string WithAdapter(string module, string x, string y, int inFeatures, int outFeatures)
    {
        if (!format.AdapterInputs) return y;
        // A name of its own for each rank: layers of one adapter may differ, and ONNX Runtime takes equal names for equal sizes.
        OnnxDimension rank = $"{module}.lora_r";
        string a = $"{module}.lora_A", b = $"{module}.lora_B", node = NodeName(module);
        graph.Input(graph.Empty(a, format.Activations, inFeatures, 0), format.Activations, inFeatures, rank);
        graph.Input(graph.Empty(b, format.Activations, 0, outFeatures), format.Activations, rank, outFeatures);
        var low = graph.Node($"{node}/lora_A/MatMul", "MatMul", [x, a]); // [B, T, r]
        return graph.Node($"{node}/lora/Add", "Add", [y, graph.Node($"{node}/lora_B/MatMul", "MatMul", [low, b])]);
    }

    /// <summary>model.layers.0.mlp.up_proj becomes /model/layers/0/mlp/up_proj.</summary>
    public static string NodeName(string module) => $"/{module.Replace('.', '/')}";
}
