namespace Alpaca.Formats.Tests.Meta;

public sealed class MetaLayoutTests
{
    private static readonly LlamaConfig Config = new()
    {
        HiddenSize = 48, IntermediateSize = 96, NumHiddenLayers = 1, NumAttentionHeads = 12, NumKeyValueHeads = 4, VocabSize = 9, RmsNormEps = 1e-5,
    };

    [Theory]
    [InlineData(4096, 32, 1)]
    [InlineData(5120, 40, 2)]
    [InlineData(6656, 60, 4)]
    [InlineData(8192, 80, 8)]
    [InlineData(8192, 48, 4)]
    [InlineData(8192, 1, 8)]
    [InlineData(2048, 16, 1)]
    [InlineData(64, 2, 1)]
    public void ShardCount_ByShape_IsMetas(int hiddenSize, int layers, int shards) =>
        MetaLayout.ShardCount(Config with { HiddenSize = hiddenSize, NumHiddenLayers = layers }).Should().Be(shards);

    [Theory]
    [InlineData("7B", 4096, 32)]
    [InlineData("13bf", 5120, 40)]
    [InlineData("33B", 6656, 60)]
    [InlineData("70Bf", 8192, 80)]
    [InlineData("3B", 3072, 28)]
    public void Find_NameOfASize_HasItsShape(string name, int dim, int layers) => MetaSizes.Find(name).Should().BeEquivalentTo(new { Dim = dim, Layers = layers });

    [Fact]
    public void Find_OtherName_IsNone()
    {
        MetaSizes.Find("tiny").Should().BeNull();
        MetaSizes.TryGetShardCount("12B", out _).Should().BeFalse();
    }

    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    public void ParametersOf_ScaledPositions_ReadBackAsTheConfiguration(double factor)
    {
        var config = Config with { RopeTheta = 500000, RopeScaling = MetaLayout.Llama3RopeScaling(factor) };

        var parameters = MetaLayout.ParametersOf(config);

        parameters.Should().BeEquivalentTo(new { UseScaledRope = true, VocabSize = 9 });
        MetaLayout.ConfigOf(parameters, 9, 96, DType.Float16).Should().BeEquivalentTo(config);
        MetaLayout.FindObstacles(config).Should().BeEmpty();
    }

    [Theory]
    [InlineData(32000, MetaSplit.Columns)]
    [InlineData(128256, MetaSplit.Rows)]
    public void EmbeddingSplit_ByVocabulary_IsLlama3sFromItsSizeOn(int vocabulary, MetaSplit split) => MetaLayout.EmbeddingSplit(Config with { VocabSize = vocabulary }).Should().Be(split);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void FindObstacles_ShardsThatDivide_AreNone(int shards) => MetaLayout.FindObstacles(Config, shards).Should().BeEmpty();

    [Theory]
    [InlineData(3, "*3 shards, of which num_key_value_heads 4 is no multiple; convert it into 1, 2, 4 (--num-shards)*")]
    [InlineData(5, "*5 shards, of which hidden_size 48, intermediate_size 96, num_attention_heads 12, num_key_value_heads 4 are no multiple; convert it into 1, 2, 4*")]
    [InlineData(0, "*0 shards*1, 2, 4*")]
    public void FindObstacles_ShardsThatDoNotDivide_NamesThoseThatDo(int shards, string message) => MetaLayout.FindObstacles(Config, shards).Should().ContainSingle().Which.Should().Match(message);

    [Fact]
    public void FindObstacles_WhatMetaCannotSay_IsListed()
    {
        MetaLayout.FindObstacles(Config with { HeadDim = 6 }).Should().ContainSingle().Which.Should().Match("*heads of hidden_size / num_attention_heads = 4, these are 6 wide*");
        MetaLayout.FindObstacles(Config with { RopeScaling = new RopeScaling("linear", 2) }).Should().ContainSingle().Which.Should().Match("*no rope_scaling of type linear*");
        MetaLayout.FindObstacles(Config with { RopeScaling = MetaLayout.Llama3RopeScaling(8) with { LowFreqFactor = 2 } }).Should().ContainSingle().Which.Should().Match("*only Llama 3.1's own rope_scaling*");
    }
}
