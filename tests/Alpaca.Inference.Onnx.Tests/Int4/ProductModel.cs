using System.Runtime.InteropServices;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>A model that is one product with a random matrix of 4 bits: y [B, T, N] = x [B, T, K] Wᵀ.</summary>
internal sealed class ProductModel : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ProductModel(int rows, int columns, int blockSize, int seed = 1, bool hasShortScales = false)
    {
        Format = new BlockFormat(4, blockSize, Symmetric: true);
        (Rows, Columns, Blocks) = (rows, columns, Format.Blocks(columns));
        var random = new Random(seed);
        Data = new byte[rows * Format.RowBytes(columns)];
        random.NextBytes(Data);
        Scales = [.. Enumerable.Range(0, rows * Blocks).Select(_ => random.NextSingle() - 0.3f)];
        if (hasShortScales) Scales = [.. Scales.Select(scale => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(scale) & 0xFFFF0000))];
        File = _folder.Combine("model.onnx");
        Write();
    }

    public int Rows { get; }

    public int Columns { get; }

    public int Blocks { get; }

    public BlockFormat Format { get; }

    public byte[] Data { get; }

    public float[] Scales { get; }

    public string File { get; }

    /// <summary>Writes the model with other nodes and initializers beside.</summary>
    public void Write(IEnumerable<OnnxNode>? nodes = null, IEnumerable<OnnxTensor>? initializers = null, IEnumerable<OnnxValue>? outputs = null)
        => System.IO.File.WriteAllBytes(File, OnnxWriter.Write(new OnnxModel(
            10,
            new Dictionary<string, int> { [""] = 21, [OnnxGraphBuilder.Microsoft] = 1 },
            new OnnxGraph(
                "product",
                [.. nodes ?? [Node()]],
                [.. initializers ?? Initializers()],
                [new OnnxValue("x", OnnxType.Float, ["B", "T", Columns])],
                [new OnnxValue("y", OnnxType.Float, ["B", "T", Rows]), .. outputs ?? []]))));

    public OnnxNode Node(params (string Name, int Value)[] changes)
    {
        var attributes = new Dictionary<string, int> { ["K"] = Columns, ["N"] = Rows, ["bits"] = 4, ["block_size"] = Format.BlockSize, ["accuracy_level"] = 4 };
        foreach (var (name, value) in changes) attributes[name] = value;
        return new OnnxNode("product", OnnxGraphBuilder.Microsoft, "MatMulNBits", ["x", "w", "w_scales"], ["y"], [.. attributes.Select(a => (OnnxAttribute)(a.Key, a.Value))]);
    }

    public OnnxTensor[] Initializers() =>
    [
        new OnnxTensor("w", OnnxType.UInt8, [Rows, Blocks, Format.BlockBytes]) { Data = Data },
        new OnnxTensor("w_scales", OnnxType.Float, [Rows, Blocks]) { Data = MemoryMarshal.AsBytes(Scales.AsSpan()).ToArray() },
    ];

    public OnnxTensorSource Open() => OnnxTensorSource.Open(File);

    public Int4Graph? Graph()
    {
        using var weights = Open();
        return Int4Graph.Of(System.IO.File.ReadAllBytes(File), weights);
    }

    /// <summary>w - 8</summary>
    public int Element(int row, int column) => ((Data[(row * Format.RowBytes(Columns)) + (column / 2)] >> ((column & 1) * 4)) & 0xF) - 8;

    public static float[] Activations(int count, int seed = 2)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 4) - 2)];
    }

    public void Dispose() => _folder.Dispose();
}
