using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

[Collection(nameof(Alone))]
public sealed class WeightFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("copy")]
    [InlineData("half")]
    [InlineData("transpose")]
    [InlineData("int4")]
    public void Write_LargerMatrices_TakesTheSameMemory(string kind)
    {
        GraphWeight Weight(string name, int rows, int columns) => kind switch
        {
            "copy" => new GraphWeight.Copy(name, OnnxType.Float, [rows, columns], "w"),
            "half" => new GraphWeight.Copy(name, OnnxType.Float16, [rows, columns], "w"),
            "transpose" => new GraphWeight.Transpose(name, OnnxType.Float, [columns, rows], "w"),
            _ => new GraphWeight.Quantized(name, new BlockFormat(4, 32, Symmetric: true), OnnxType.Float, rows, columns, "w"),
        };
        Write("warm-up", Weight("a", 10, 64));

        var one = Write("one", Weight("a", 8200, 2048));                               // a little more than a block
        var four = Write("four", Weight("a", 2 * 8200, 2048), Weight("b", 2 * 8200, 2048)); // 270 MB in float32

        four.Should().BeLessThan(one + (8 << 20));

        long Write(string file, params GraphWeight[] weights)
        {
            using var source = new Waves(weights[0] is GraphWeight.Transpose ? weights[0].Columns : weights[0].Rows, weights[0] is GraphWeight.Transpose ? weights[0].Rows : weights[0].Columns);
            var before = GC.GetTotalAllocatedBytes();
            new WeightFile(source, NullProgress.Instance).Write(_folder.Combine(file), new ExternalDataLayout("data", weights), CancellationToken.None);
            var allocated = GC.GetTotalAllocatedBytes() - before;
            File.Delete(_folder.Combine(file));
            return allocated;
        }
    }

    [Theory]
    [InlineData(Precision.Fp16, 70000f, "*up_proj*7E+04*float16*fp32*")]
    [InlineData(Precision.Int4, float.NaN, "*up_proj*not finite*")]
    [InlineData(Precision.Int8, float.PositiveInfinity, "*up_proj*not finite*")]
    public async Task Export_NumberThatTheTypeHasNot_NamesTheWeight(Precision precision, float value, string message)
    {
        var config = new LlamaConfig
        {
            HiddenSize = 32, IntermediateSize = 64, NumHiddenLayers = 1, NumAttentionHeads = 2, VocabSize = 40, MaxPositionEmbeddings = 64, TorchDType = DType.Float32,
        };
        config.Save(_folder.Path);
        using (var writer = new ShardedSafetensorsWriter(_folder.Path, [.. LlamaTensorNames.Describe(config)]))
        {
            foreach (var tensor in writer.Tensors)
            {
                var values = new float[tensor.ElementCount];
                if (tensor.Name.Contains("up_proj", StringComparison.Ordinal)) values[17] = value;
                writer.Write(tensor.Name, 0, MemoryMarshal.AsBytes<float>(values));
            }

            writer.Complete();
        }

        var export = () => ExportedGraph.OfAsync(new ExportRequest { Model = _folder.Path, Precision = precision });

        (await export.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
    }

    // What is allocated is counted for the whole process.
    [CollectionDefinition(nameof(Alone), DisableParallelization = true)]
    public sealed class Alone;

    /// <summary>A bfloat16 matrix of any size that is nowhere.</summary>
    private sealed class Waves(long rows, long columns) : ITensorSource
    {
        public IReadOnlyList<TensorInfo> Tensors { get; } = [new TensorInfo("w", DType.BFloat16, [rows, columns])];

        public TensorInfo? Find(string name) => Tensors[0];

        public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination)
        {
            var values = MemoryMarshal.Cast<byte, ushort>(destination);
            for (var i = 0; i < values.Length; i++) values[i] = (ushort)(0x3D00 + ((byteOffset + i) % 0x200));
        }

        public void Dispose() { }
    }
}
