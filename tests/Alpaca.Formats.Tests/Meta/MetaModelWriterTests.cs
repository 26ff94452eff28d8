using System.Runtime.InteropServices;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Meta;

public sealed class MetaModelWriterTests : IDisposable
{
    private static readonly LlamaConfig Config = new()
    {
        HiddenSize = 16, IntermediateSize = 24, NumHiddenLayers = 1, NumAttentionHeads = 4, NumKeyValueHeads = 2, VocabSize = 9, TorchDType = DType.Float32,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, "9")]
    [InlineData(2, "4,5")]
    public void Complete_AnyShards_SplitsAsMetaDoesAndGivesTheLastTheRemainder(int shards, string outputRows)
    {
        Write(Config, shards);

        using var joined = new Joined(Enumerable.Range(0, shards).Select(i => TensorSource.Open(_folder.Combine(MetaTensorNames.ShardFile(i)))));
        string.Join(",", joined.Shards.Select(s => s.Find("output.weight")!.Shape[0])).Should().Be(outputRows);
        foreach (var tensor in MetaTensorNames.Enumerate(1))
        {
            var info = LlamaTensorNames.Describe(Config).Single(t => t.Name == tensor.HuggingFace);
            var expected = Values(info);
            if (tensor.Rotation != MetaRotation.None)
            {
                var pairs = new float[expected.Length];
                RotaryPermutation.HalvesToPairs(MemoryMarshal.AsBytes(expected.AsSpan()), MemoryMarshal.AsBytes(pairs.AsSpan()), Config.HeadDim, (int)info.Shape[1] * sizeof(float));
                expected = pairs;
            }

            joined.Read(tensor).Should().Equal(expected, tensor.Meta);
        }
    }

    [Theory]
    [InlineData(MetaSplit.Rows, "[4, 16],[5, 16]")]
    [InlineData(MetaSplit.Columns, "[9, 8],[9, 8]")]
    public void Complete_Embedding_IsSplitAsAsked(MetaSplit split, string shapes)
    {
        Write(Config, shards: 2, split);

        string.Join(",", Enumerable.Range(0, 2).Select(i => ShapeIn(i, MetaTensorNames.TokEmbeddings))).Should().Be(shapes);
    }

    [Fact]
    public void Complete_TiedEmbeddings_WritesTheEmbeddingAsTheOutputLayer()
    {
        Write(Config with { TieWordEmbeddings = true }, shards: 2);

        using var joined = new Joined(Enumerable.Range(0, 2).Select(i => TensorSource.Open(_folder.Combine(MetaTensorNames.ShardFile(i)))));
        joined.Read(new(MetaTensorNames.Output, "", MetaSplit.Rows)).Should().Equal(joined.Read(new(MetaTensorNames.TokEmbeddings, "", MetaSplit.Columns)));
    }

    [Fact]
    public void Constructor_ColumnsThatDoNotDivide_AreRefused()
    {
        var act = () => new MetaModelWriter(_folder.Path, Config, [.. LlamaTensorNames.Describe(Config)], shardCount: 3).Dispose();

        act.Should().Throw<ArgumentException>().WithMessage("*16 columns, not a multiple of 3*");
    }

    [Fact]
    public void Complete_TensorMissing_PublishesNoShard()
    {
        using var writer = new MetaModelWriter(_folder.Path, Config, [.. LlamaTensorNames.Describe(Config)], shardCount: 2);

        var act = writer.Complete;

        act.Should().Throw<InvalidOperationException>();
        Directory.GetFiles(_folder.Path, "*.pth").Should().BeEmpty();
    }

    [Theory]
    [InlineData(49953, 5120, "24976,24977")]
    [InlineData(49953, 6656, "12488,12488,12488,12489")]
    [InlineData(49954, 6656, "12488,12488,12488,12490")]
    public void Constructor_GrownVocabulary_IsSplitAsInTheOriginalScript(int vocabulary, int hiddenSize, string rows)
    {
        var config = Config with { HiddenSize = hiddenSize, VocabSize = vocabulary, TorchDType = DType.UInt8 };
        var head = new TensorInfo(LlamaTensorNames.LmHead, DType.UInt8, [vocabulary, 4]);
        using (var writer = new MetaModelWriter(_folder.Path, config, [head], MetaLayout.ShardCount(config)))
        {
            RowPipeline.Run([RowTask.For(head, 1, chunk => writer.Write(head.Name, chunk.FirstRow * 4, chunk.Scratch.Get<byte>(0, chunk.Rows * 4)))], NullProgress.Instance, CancellationToken.None);
            writer.Complete();
        }

        string.Join(",", Directory.GetFiles(_folder.Path, "*.pth").Order(StringComparer.Ordinal).Select(file =>
        {
            using var shard = TensorSource.Open(file);
            return shard.Find("output.weight")!.Shape[0];
        })).Should().Be(rows);
    }

    private string ShapeIn(int shard, string name)
    {
        using var source = TensorSource.Open(_folder.Combine(MetaTensorNames.ShardFile(shard)));
        return $"[{string.Join(", ", source.Find(name)!.Shape)}]";
    }

    private void Write(LlamaConfig config, int shards, MetaSplit? embeddingSplit = null)
    {
        List<TensorInfo> tensors = [.. LlamaTensorNames.Describe(config)];
        using var writer = new MetaModelWriter(_folder.Path, config, tensors, shards, embeddingSplit);
        RowPipeline.Run(tensors.Select(t => RowTask.For(t, writer.BlockRows(t), chunk =>
        {
            var rowBytes = (int)(t.ByteLength / t.Shape[0]);
            var rows = MemoryMarshal.AsBytes(Values(t).AsSpan()).Slice((int)chunk.FirstRow * rowBytes, chunk.Rows * rowBytes).ToArray();
            writer.Write(t.Name, chunk.FirstRow * rowBytes, rows);
        })), NullProgress.Instance, CancellationToken.None);
        writer.Complete();
    }

    private static float[] Values(TensorInfo tensor) => [.. Enumerable.Range(0, (int)tensor.ElementCount).Select(i => (float)i)];

    /// <summary>Puts the shards together by the definition of each split, element by element.</summary>
    private sealed class Joined(IEnumerable<ITensorSource> shards) : IDisposable
    {
        public IReadOnlyList<ITensorSource> Shards { get; } = [.. shards];

        public float[] Read(MetaTensor tensor)
        {
            var parts = Shards.Select(s => (Info: s.Find(tensor.Meta)!, Values: s.ReadAsFloat32(s.Find(tensor.Meta)!))).ToList();
            switch (tensor.Split)
            {
                case MetaSplit.Replicated:
                    parts.Should().AllSatisfy(p => p.Values.Should().Equal(parts[0].Values));
                    return parts[0].Values;
                case MetaSplit.Rows:
                    return [.. parts.SelectMany(p => p.Values)];
                default:
                    var rows = (int)parts[0].Info.Shape[0];
                    return [.. Enumerable.Range(0, rows).SelectMany(r => parts.SelectMany(p => p.Values.Skip(r * (int)p.Info.Shape[1]).Take((int)p.Info.Shape[1])))];
            }
        }

        public void Dispose()
        {
            foreach (var shard in Shards)
            {
                shard.Dispose();
            }
        }
    }
}
