using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

public sealed class RotaryEmbeddingTests
{
    private static readonly RopeScaling Llama31 = new("llama3", 8) { LowFreqFactor = 1, HighFreqFactor = 4, OriginalMaxPositionEmbeddings = 8192 };

    [Fact]
    public void Frequencies_Llama3Scaling_EqualTransformers()
    {
        var frequencies = RotaryFrequencies.Of(TinyModels.Config with { HeadDim = 64, RopeScaling = Llama31 });

        frequencies.Zip(TinyGqa.Expected.Llama3Frequencies, (actual, expected) => Math.Abs(actual / expected - 1)).Max().Should().BeLessThan(1e-5f);
        var plain = RotaryFrequencies.Of(TinyModels.Config with { HeadDim = 64 });
        frequencies[0].Should().Be(plain[0]);
        frequencies[^1].Should().BeApproximately(plain[^1] / 8, 1e-9f);
    }

    [Fact]
    public void ForwardHidden_LinearScaling_DividesPositionsByTheFactor()
    {
        using var scope = NewDisposeScope();
        using var plain = TinyModels.Create();
        using var scaled = TinyModels.Create(TinyModels.Config with { RopeScaling = new RopeScaling("linear", 4) });
        var positions = arange(0, 10, dtype: ScalarType.Int64).unsqueeze(0);

        var expected = plain.ForwardHidden(TinyModels.Ids(10), positions);

        TinyModels.MaxDifference(scaled.ForwardHidden(TinyModels.Ids(10), positions * 4), expected).Should().BeLessThan(1e-5f);
        TinyModels.MaxDifference(scaled.ForwardHidden(TinyModels.Ids(10), positions), expected).Should().BeGreaterThan(1e-3f);
    }

    [Fact]
    public void Apply_AnyShift_KeepsScoresOfQueriesAndKeys()
    {
        // What makes the embedding relative: only the distance between two positions enters their score.
        using var scope = NewDisposeScope();
        using var rotary = new RotaryEmbedding(TinyModels.Config, CPU);
        var q = randn(1, 1, 4, 8);
        var k = randn(1, 1, 4, 8);
        var positions = arange(0, 4, dtype: ScalarType.Int64).unsqueeze(0);

        TinyModels.MaxDifference(Scores(positions + 100), Scores(positions)).Should().BeLessThan(1e-4f);

        Tensor Scores(Tensor at)
        {
            var rotation = rotary.At(at, ScalarType.Float32);
            return rotation.Apply(q).matmul(rotation.Apply(k).transpose(-1, -2));
        }
    }

    [Fact]
    public void Construction_UnknownScaling_NamesItAndTheKnownOnes()
    {
        var act = () => TinyModels.Create(TinyModels.Config with { RopeScaling = new RopeScaling("yarn", 16) });
        act.Should().Throw<AlpacaException>().WithMessage("*rope_scaling*yarn*linear and llama3*");
    }

    [Fact]
    public void Construction_Llama3ScalingWithoutItsNumbers_NamesThem()
    {
        var act = () => TinyModels.Create(TinyModels.Config with { RopeScaling = Llama31 with { HighFreqFactor = null } });
        act.Should().Throw<AlpacaException>().WithMessage("*high_freq_factor*");
    }
}
