using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class TokenSamplerTests
{
    // Everything off but the draw.
    private static readonly GenerationOptions Plain = new() { Temperature = 1, TopK = 0, TopP = 1, RepetitionPenalty = 1, Seed = 5 };

    [Fact]
    public void Next_Greedy_TakesTheMostLikelyAndTheFirstOfEquals()
    {
        var sampler = new TokenSampler(new GenerationOptions { Temperature = 0 });
        sampler.Next([1, 3, 2], []).Id.Should().Be(1);
        sampler.Next([1, 3, 3], []).Id.Should().Be(1);
        sampler.Next([1, 3, 2], [1]).Id.Should().Be(1, "greedy decoding is not penalised by default");
    }

    [Fact]
    public void Next_GreedyWithPenalty_DividesPositiveAndMultipliesNegativeLogits()
    {
        var sampler = new TokenSampler(new GenerationOptions { Temperature = 0, RepetitionPenalty = 2 });
        sampler.Next([1.1f, 2, 1], [1]).Id.Should().Be(0, "2 / 2 = 1");
        sampler.Next([-1.5f, -1, -3], [1]).Id.Should().Be(0, "-1 · 2 = -2");
        sampler.Next([1, 3, 0], [1, 1, 1]).Id.Should().Be(1, "an id counts once however often it was seen: 3 / 2 = 1.5");
        sampler.Next([1, 2], [7, -1, 0]).Id.Should().Be(1, "ids outside the vocabulary are passed over");
    }

    [Fact]
    public void Next_LogProbability_IsOfTheRawLogits()
    {
        float[] logits = [1000, 999, 998];
        var token = new TokenSampler(new GenerationOptions { Temperature = 0, RepetitionPenalty = 1.5f }).Next(logits, [0]);
        token.Id.Should().Be(1);
        token.LogProbability.Should().BeApproximately(-1 - MathF.Log(1 + MathF.Exp(-1) + MathF.Exp(-2)), 1e-5f);
        token.Logits.IsEmpty.Should().BeTrue();
    }

    [Fact]
    public void Next_ReturnLogits_CopiesThem()
    {
        float[] logits = [1, 2, 3];
        var token = new TokenSampler(Plain with { ReturnLogits = true }).Next(logits, [0]);
        logits[0] = 9;
        token.Logits.ToArray().Should().Equal(1, 2, 3);
    }

    [Fact]
    public void Next_SameSeed_GivesTheSameTokens()
    {
        Draw(Plain).Should().Equal(Draw(Plain));
        Draw(Plain).Should().NotEqual(Draw(Plain with { Seed = 6 }));
        Draw(Plain with { Seed = null }).Should().NotEqual(Draw(Plain with { Seed = null }));

        static int[] Draw(GenerationOptions options)
        {
            var sampler = new TokenSampler(options);
            return [.. Enumerable.Range(0, 200).Select(i => sampler.Next([1, 2, 3, 2, 1, i % 3], []).Id)];
        }
    }

    [Fact]
    public void Next_ManyDraws_FollowTheDistribution()
    {
        double[] probabilities = [0.5, 0.25, 0.15, 0.1];
        float[] logits = [.. probabilities.Select(p => (float)Math.Log(p) + 7)];
        Frequencies(Plain, logits).Zip(probabilities).Should().AllSatisfy(pair => pair.First.Should().BeApproximately(pair.Second, 0.02));

        // Temperature 0.5 squares the probabilities.
        var squared = probabilities.Select(p => p * p).ToArray();
        Frequencies(Plain with { Temperature = 0.5f }, logits).Zip(squared.Select(p => p / squared.Sum())).Should()
            .AllSatisfy(pair => pair.First.Should().BeApproximately(pair.Second, 0.02));
    }

    [Fact]
    public void Next_TopK_KeepsTheMostLikelyAndAllThatEqualTheLast()
    {
        Drawn(Plain with { TopK = 1 }, [1, 1.1f, 1.05f]).Should().Equal(1);
        Drawn(Plain with { TopK = 2 }, [1, 1.1f, 1.05f, 0.9f]).Should().Equal(1, 2);
        Drawn(Plain with { TopK = 2 }, [1, 1.1f, 1, 1, 0.9f]).Should().Equal(0, 1, 2, 3);
        Drawn(Plain with { TopK = 100 }, [1, 1.1f, 1.05f]).Should().Equal(0, 1, 2);
    }

    [Theory]
    // Dropped from the least likely on, while no more than 1 - p is dropped; what crosses the threshold stays.
    [InlineData(1f, new[] { 0, 1, 2, 3 })]
    [InlineData(0.95f, new[] { 0, 1, 2, 3 })]
    [InlineData(0.89f, new[] { 0, 1, 2 })]
    [InlineData(0.76f, new[] { 0, 1, 2 })]
    [InlineData(0.74f, new[] { 0, 1 })]
    [InlineData(0.51f, new[] { 0, 1 })]
    [InlineData(0.49f, new[] { 0 })]
    [InlineData(0.0001f, new[] { 0 })]
    public void Next_TopP_KeepsTheTokenThatCrossesTheThreshold(float topP, int[] kept)
        => Drawn(Plain with { TopP = topP }, [MathF.Log(0.5f), MathF.Log(0.25f), MathF.Log(0.15f), MathF.Log(0.1f)]).Should().Equal(kept);

    [Fact]
    public void Next_TopKAndTopP_TopPIsOfWhatTopKLeft()
        // Of 0.4, 0.3, 0.2, 0.1 top-k leaves 0.4 and 0.3, that is 0.571 and 0.429.
        => Drawn(Plain with { TopK = 2, TopP = 0.55f }, [MathF.Log(0.4f), MathF.Log(0.3f), MathF.Log(0.2f), MathF.Log(0.1f)]).Should().Equal(0);

    [Fact]
    public void Next_PenaltyBeforeTemperatureAndCuts()
        // 3 / 1.5 = 2 is then no longer among the best two.
        => Drawn(Plain with { TopK = 2, RepetitionPenalty = 1.5f }, [3, 2.5f, 2.4f, 1], seen: [0]).Should().Equal(1, 2);

    [Fact]
    public void Next_RuledOutTokens_AreNeverDrawn()
        => Drawn(Plain with { TopK = 3 }, [float.NegativeInfinity, 1, float.NegativeInfinity]).Should().Equal(1);

    [Fact]
    public void Next_VeryLowTemperature_DoesNotOverflow()
        => Drawn(Plain with { Temperature = 1e-38f }, [-3e4f, 3e4f, 2e4f]).Should().Equal(1);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Next_LogitsThatAreNoNumbers_SaysSo(float value)
        => FluentActions.Invoking(() => new TokenSampler(Plain).Next([1, value, 2], [])).Should().Throw<AlpacaException>().WithMessage("*not finite*");

    [Fact]
    public void Next_EverythingRuledOut_SaysSo()
        => FluentActions.Invoking(() => new TokenSampler(Plain).Next([float.NegativeInfinity, float.NegativeInfinity], [])).Should().Throw<AlpacaException>();

    [Fact]
    public void Constructor_OptionsOutOfRange_NamesAll()
        => FluentActions.Invoking(() => new TokenSampler(new GenerationOptions { MaxNewTokens = -1, Temperature = -1, TopK = -1, TopP = 0, RepetitionPenalty = 0 }))
            .Should().Throw<AlpacaUsageException>().WithMessage("*MaxNewTokens*Temperature*TopK*TopP*RepetitionPenalty*");

    [Fact]
    public void RepetitionPenalty_Default_DependsOnTheTemperature()
    {
        new GenerationOptions().RepetitionPenalty.Should().Be(1.1f);
        new GenerationOptions { Temperature = 0 }.RepetitionPenalty.Should().Be(1);
        new GenerationOptions { Temperature = 0, RepetitionPenalty = 1.3f }.RepetitionPenalty.Should().Be(1.3f);
    }

    private static double[] Frequencies(GenerationOptions options, float[] logits)
    {
        const int draws = 20_000;
        var sampler = new TokenSampler(options);
        var counts = new int[logits.Length];
        for (var i = 0; i < draws; i++) counts[sampler.Next(logits, []).Id]++;
        return [.. counts.Select(count => (double)count / draws)];
    }

    private static int[] Drawn(GenerationOptions options, float[] logits, int[]? seen = null)
    {
        var sampler = new TokenSampler(options);
        return [.. Enumerable.Range(0, 2000).Select(_ => sampler.Next(logits, seen ?? []).Id).Distinct().Order()];
    }
}
