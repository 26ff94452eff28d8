namespace Alpaca.Abstractions.Tests;

public sealed class GenerationOptionsTests
{
    [Fact]
    public void Defaults_AreThoseOfTheOriginal()
        => new GenerationOptions().Should().BeEquivalentTo(new { MaxNewTokens = 400, Temperature = 0.2f, TopK = 40, TopP = 0.9f, MinP = 0f, RepetitionPenalty = 1.1f, PresencePenalty = 0f, FrequencyPenalty = 0f });

    [Theory]
    [InlineData(0.2f, null, 1.1f)]
    [InlineData(0f, null, 1f)]
    [InlineData(0f, 1.3f, 1.3f)]
    [InlineData(0f, 1f, 1f)]
    [InlineData(1f, 1f, 1f)]
    public void RepetitionPenalty_OfGreedyDecoding_IsNoneUnlessTheCallerSaysSo(float temperature, float? given, float expected)
    {
        var first = given is { } penalty ? new GenerationOptions { RepetitionPenalty = penalty, Temperature = temperature } : new GenerationOptions { Temperature = temperature };
        var changedLater = (given is { } other ? new GenerationOptions { RepetitionPenalty = other } : new GenerationOptions()) with { Temperature = temperature };

        (first.RepetitionPenalty, changedLater.RepetitionPenalty).Should().Be((expected, expected));
    }

    [Fact]
    public void GeneratedToken_WithNothingAskedFor_HasNeitherLogitsNorAlternatives()
    {
        var token = new GeneratedToken(5, -0.5f);

        (token.Logits.IsEmpty, token.Alternatives.IsEmpty, token.ReusedPromptTokens).Should().Be((true, true, 0));
    }
}
