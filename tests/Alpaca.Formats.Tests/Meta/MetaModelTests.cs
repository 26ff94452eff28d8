using Alpaca.Abstractions;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Alpaca.Formats.Tests.Meta;

/// <summary>Reading shards joined: what <see cref="MetaModelWriter"/> takes apart comes back whole, in pieces of any size.</summary>
public sealed class MetaModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 4, DType.Float16)]
    [InlineData(2, 4, DType.BFloat16)]
    [InlineData(4, 8, DType.Float32)]
    [InlineData(8, 8, DType.Float16)]
    [InlineData(4, 4, DType.Float16)]
    public void Open_AnyShards_HasTheWholeTensorsInOrder(int shards, int keyHeads, DType dtype)
    {
        var config = OriginalCheckpoint.Config(heads: 8, keyHeads, headDim: 4, dtype, vocabulary: 17);
        var expected = OriginalCheckpoint.Write(_folder.Path, config, shards);

        using var model = TensorSource.Open(_folder.Path);

        model.Should().BeOfType<MetaModel>().Which.Config.Should().BeEquivalentTo(config);
        model.Tensors.Select(t => t.Name).Should().Equal(expected.Keys);
        foreach (var tensor in model.Tensors)
        {
            model.ReadBytes(tensor).Should().Equal(expected[tensor.Name], tensor.Name);
        }
    }

    [Property(MaxTest = 40)]
    public void Read_AnyRange_IsThatPartOfTheWhole(PositiveInt seed)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(seed.Get);
        var config = OriginalCheckpoint.Config(heads: 8, keyHeads: random.Next(2) == 0 ? 8 : 4, headDim: random.Next(2) == 0 ? 4 : 6, DType.Float16, vocabulary: 13);
        var expected = OriginalCheckpoint.Write(folder.Path, config, shards: 1 << random.Next(3));
        using var model = MetaModel.Open(folder.Path);

        for (var i = 0; i < 60; i++)
        {
            var tensor = model.Tensors[random.Next(model.Tensors.Count)];
            var first = random.Next((int)tensor.ElementCount);
            var count = random.Next((int)tensor.ElementCount - first + 1);
            var part = new byte[count * 2];
            model.Read(tensor, first * 2L, part);
            part.AsSpan().SequenceEqual(expected[tensor.Name].AsSpan(first * 2, count * 2)).Should().BeTrue("elements {0} to {1} of {2}", first, first + count, tensor.Name);
        }
    }

    /// <summary>Whatever the heads, the shards and the way of splitting: the whole is the same.</summary>
    [Property(Arbitrary = [typeof(Shapes)], MaxTest = 25)]
    public void Read_AnyShards_EqualsUnsharded(Shape shape)
    {
        using TemporaryFolder one = new(), several = new();
        var config = OriginalCheckpoint.Config(shape.Heads, shape.KeyHeads, shape.HeadDim, DType.Float16, vocabulary: 19) with { IntermediateSize = 24, NumHiddenLayers = 1 };
        OriginalCheckpoint.Write(one.Path, config, shards: 1);
        OriginalCheckpoint.Write(several.Path, config, shape.Shards, shape.Split);

        using MetaModel expected = MetaModel.Open(one.Path), actual = MetaModel.Open(several.Path);

        actual.Tensors.Select(t => (t.Name, actual.Sha256(t))).Should().Equal(expected.Tensors.Select(t => (t.Name, expected.Sha256(t))));
        actual.EmbeddingSplit.Should().Be(shape.Shards == 1 ? null : shape.Split);
    }

    [Fact]
    public void Open_NoOutputLayer_IsTied()
    {
        var config = OriginalCheckpoint.Config(heads: 4, keyHeads: 2, headDim: 4, DType.BFloat16, vocabulary: 8);
        OriginalCheckpoint.Write(_folder.Path, config, shards: 2, without: LlamaTensorNames.LmHead);

        using var model = MetaModel.Open(_folder.Path);

        model.Config.TieWordEmbeddings.Should().BeTrue();
        model.Find(LlamaTensorNames.LmHead).Should().BeNull();
    }

    public sealed record Shape(int Heads, int KeyHeads, int HeadDim, int Shards, MetaSplit Split);

    public static class Shapes
    {
        public static Arbitrary<Shape> All() =>
            (from headDim in Gen.Elements(4, 128)
             from heads in headDim == 4 ? Gen.Elements(1, 32, 40, 52, 64) : Gen.Elements(1, 8)
             from keyHeads in Gen.Elements(1, 2, 8, heads)
             from shards in Gen.Elements(1, 2, 4, 8)
             from split in Gen.Elements(MetaSplit.Rows, MetaSplit.Columns)
             where heads % keyHeads == 0 && keyHeads % shards == 0 && heads % shards == 0
             select new Shape(heads, keyHeads, headDim, shards, split)).ToArbitrary();
    }

    [Fact]
    public void Open_ShardsWithoutParameters_AsksForThem()
    {
        OriginalCheckpoint.Write(_folder.Path, OriginalCheckpoint.Config(heads: 4, keyHeads: 4, headDim: 4, DType.Float16, vocabulary: 8), shards: 2);
        File.Delete(_folder.Combine(MetaParameters.FileName));

        var act = () => TensorSource.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*2 shards*without their params.json*");
    }

    [Fact]
    public void Open_FarFewerRowsThanParametersSay_IsAnError()
    {
        OriginalCheckpoint.Write(_folder.Path, OriginalCheckpoint.Config(heads: 4, keyHeads: 4, headDim: 4, DType.Float16, vocabulary: 8), shards: 2);
        File.WriteAllText(_folder.Combine(MetaParameters.FileName), """{"dim": 1073741824, "n_layers": 2, "n_heads": 4, "norm_eps": 1e-5}""");

        var act = () => MetaModel.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*do not fit its params.json*expected *1073741824*");
    }

    [Fact]
    public void Read_OutsideTheTensor_IsRefused()
    {
        OriginalCheckpoint.Write(_folder.Path, OriginalCheckpoint.Config(heads: 4, keyHeads: 4, headDim: 4, DType.Float16, vocabulary: 8), shards: 2);
        using var model = MetaModel.Open(_folder.Path);

        var beyond = () => model.Read(model.Tensors[0], model.Tensors[0].ByteLength - 2, new byte[4]);
        var unknown = () => model.Read(new TensorInfo("x", DType.Float16, [1]), 0, new byte[2]);

        beyond.Should().Throw<ArgumentException>();
        unknown.Should().Throw<ArgumentException>();
    }
}
