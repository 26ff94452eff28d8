using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests;

public sealed class RotaryFrequenciesTests
{
    private static readonly LlamaConfig Config = new()
    {
        HiddenSize = 64, IntermediateSize = 192, NumHiddenLayers = 1, NumAttentionHeads = 4, VocabSize = 300, MaxPositionEmbeddings = 512,
    };

    [Fact]
    public void Of_NoScaling_ArePowersOfTheta()
        => RotaryFrequencies.Of(Config).Should().Equal([1f, 0.31622777f, 0.1f, 0.031622777f, 0.01f, 0.0031622777f, 0.001f, 0.00031622777f], (a, b) => Math.Abs((a / b) - 1) < 1e-6);

    [Fact]
    public void Of_LinearScaling_DividesAllByTheFactor()
    {
        var plain = RotaryFrequencies.Of(Config);

        RotaryFrequencies.Of(Config with { RopeScaling = new RopeScaling("linear", 4) }).Should().Equal(plain.Select(f => f / 4));
    }

    [Fact]
    public void Of_Llama3Scaling_KeepsFastAndStretchesSlowFrequencies()
    {
        var plain = RotaryFrequencies.Of(Config);
        var scaling = new RopeScaling("llama3", 8) { LowFreqFactor = 1, HighFreqFactor = 4, OriginalMaxPositionEmbeddings = 64 };

        var scaled = RotaryFrequencies.Of(Config with { RopeScaling = scaling });

        scaled[0].Should().Be(plain[0]); // 64 / 2 pi = 10.2 turns in the context trained on: more than 4
        scaled[1].Should().BeInRange(plain[1] / 8 * 1.01f, plain[1] * 0.99f); // 3.2 turns: between
        scaled[2].Should().BeInRange(plain[2] / 8, plain[2] / 8 * 1.05f); // 1.02 turns: just above 1
        scaled[^1].Should().Be(plain[^1] / 8); // less than 1 turn
    }

    [Fact]
    public void Of_UnknownScaling_NamesIt()
        => FluentActions.Invoking(() => RotaryFrequencies.Of(Config with { RopeScaling = new RopeScaling("yarn", 4) })).Should().Throw<AlpacaException>().WithMessage("*yarn*");
}
