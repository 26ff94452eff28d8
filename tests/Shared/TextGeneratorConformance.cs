using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.TestSupport;

/// <summary>What every backend's generator does alike; a backend's tests inherit it.</summary>
/// <remarks>The model is tiny, with a vocabulary of at least 64 and a context of at least 128.</remarks>
public abstract partial class TextGeneratorConformance
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0, MaxNewTokens = 12 };

    /// <summary>Loads the model.</summary>
    protected abstract Task<ITextGenerator> LoadAsync(InferenceOptions options);

    /// <summary>What the model gives for a prompt, from a reference.</summary>
    protected abstract KnownAnswer Known { get; }

    /// <summary>Options as a caller may combine them.</summary>
    public static TheoryData<string> SamplingOptions => [.. Sampling.Keys];

    private static Dictionary<string, GenerationOptions> Sampling { get; } = new()
    {
        ["greedy"] = Greedy,
        ["greedy, repetition penalty"] = Greedy with { RepetitionPenalty = 1.5f },
        ["greedy, presence and frequency"] = Greedy with { PresencePenalty = 1.5f, FrequencyPenalty = 0.7f },
        ["defaults"] = new() { Seed = 1, MaxNewTokens = 12 },
        ["temperature"] = Plain(2),
        ["top-k"] = Plain(3) with { TopK = 5 },
        ["top-p"] = Plain(4) with { TopP = 0.6f },
        ["min-p"] = Plain(5) with { MinP = 0.2f },
        ["repetition penalty"] = Plain(6) with { RepetitionPenalty = 1.4f },
        ["presence penalty"] = Plain(7) with { PresencePenalty = 2 },
        ["frequency penalty"] = Plain(8) with { FrequencyPenalty = -1.5f },
        ["everything"] = new()
        {
            Seed = 9, MaxNewTokens = 12, Temperature = 0.8f, TopK = 30, TopP = 0.95f, MinP = 0.02f, RepetitionPenalty = 1.2f, PresencePenalty = 0.5f, FrequencyPenalty = 0.3f,
        },
    };

    private static GenerationOptions Plain(int seed) => new() { Temperature = 1, TopK = 0, TopP = 1, RepetitionPenalty = 1, Seed = seed, MaxNewTokens = 12 };

    [Fact]
    public async Task GenerateAsync_KnownPrompt_GivesTheReferencesLogitsAndTokens()
    {
        using var generator = await LoadAsync(new InferenceOptions());

        var tokens = await ReadAsync(generator, [.. Known.PromptIds], Greedy with { MaxNewTokens = Known.GreedyIds.Count, ReturnLogits = true });

        Ids(tokens).Should().Equal(Known.GreedyIds);
        tokens[0].Logits.Length.Should().Be(generator.VocabularySize);
        ShouldBeNear(tokens[0].Logits.Span[..Known.FirstLogits.Count].ToArray(), [.. Known.FirstLogits], 1e-3f);
    }

    [Fact]
    public async Task GenerateAsync_PromptsOfSeveralLengthsAtOnce_GetTheTokensTheyGetAlone()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 4, ReusePrefixes = false });
        int[][] prompts = [Prompt(1, 1), Prompt(2, 9), Prompt(3, 70), Prompt(4, 33), Prompt(5, 2), Prompt(6, 17), Prompt(7, 50), Prompt(8, 5), Prompt(9, 64)];
        var alone = new List<int[]>();
        foreach (var prompt in prompts) alone.Add(Ids(await ReadAsync(generator, prompt, Greedy)));

        var together = await Task.WhenAll(prompts.Select(prompt => ReadAsync(generator, prompt, Greedy)));

        together.Select(Ids).Should().BeEquivalentTo(alone, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task GenerateAsync_Batched_GivesTheLogitsOfASequenceAlone()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 4, ReusePrefixes = false });
        var options = Greedy with { ReturnLogits = true };
        int[][] prompts = [Prompt(1, 3), Prompt(2, 40), Prompt(3, 11)];
        var alone = new List<GeneratedToken[]>();
        foreach (var prompt in prompts) alone.Add(await ReadAsync(generator, prompt, options));

        var together = await Task.WhenAll(prompts.Select(prompt => ReadAsync(generator, prompt, options)));

        foreach (var (one, batched) in alone.Zip(together).SelectMany(pair => pair.First.Zip(pair.Second)))
            ShouldBeNear(batched.Logits.ToArray(), one.Logits.ToArray(), 1e-3f);
    }

    [Theory]
    [MemberData(nameof(SamplingOptions))]
    public async Task GenerateAsync_AnyOptions_GiveTheSameTokensAloneBatchedAndWithAPrefixTakenOver(string name)
    {
        var options = Sampling[name];
        var prompt = Prompt(11, 24);
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 4, ReusePrefixes = false });
        var alone = Ids(await ReadAsync(generator, prompt, options));
        var others = Enumerable.Range(0, 5).Select(i => ReadAsync(generator, Prompt(20 + i, 8 + 7 * i), Plain(i))).ToList();
        var batched = Ids(await ReadAsync(generator, prompt, options));
        await Task.WhenAll(others);
        using var reusing = await LoadAsync(new InferenceOptions { MaxConcurrency = 2 });
        var first = Ids(await ReadAsync(reusing, prompt, options));
        var again = await ReadAsync(reusing, prompt, options);

        alone.Should().HaveCount(12);
        batched.Should().Equal(alone);
        first.Should().Equal(alone);
        Ids(again).Should().Equal(alone);
        again[0].ReusedPromptTokens.Should().BePositive();
    }

    [Theory]
    [MemberData(nameof(SamplingOptions))]
    public async Task GenerateAsync_AnyOptions_ChoosesAsTheSamplerDoesOnTheLogitsGiven(string name)
    {
        var options = Sampling[name] with { ReturnLogits = true, TopLogProbabilities = 4 };
        using var generator = await LoadAsync(new InferenceOptions());
        var ids = Prompt(12, 15).ToList();
        var promptLength = ids.Count;

        var tokens = await ReadAsync(generator, [.. ids], options);

        var sampler = new TokenSampler(options);
        foreach (var token in tokens)
        {
            var expected = sampler.Next(token.Logits.Span, CollectionsMarshal.AsSpan(ids), promptLength);
            token.Id.Should().Be(expected.Id);
            token.LogProbability.Should().Be(expected.LogProbability);
            token.Alternatives.ToArray().Should().Equal(expected.Alternatives.ToArray());
            ids.Add(token.Id);
        }
    }

    [Fact]
    public async Task GenerateAsync_WithoutASeed_VariesAndWithOneDoesNot()
    {
        using var generator = await LoadAsync(new InferenceOptions());
        var options = Plain(3) with { Temperature = 5, MaxNewTokens = 24 };

        var seeded = Ids(await ReadAsync(generator, Prompt(13, 6), options));

        Ids(await ReadAsync(generator, Prompt(13, 6), options)).Should().Equal(seeded);
        Ids(await ReadAsync(generator, Prompt(13, 6), options with { Seed = 4 })).Should().NotEqual(seeded);
        Ids(await ReadAsync(generator, Prompt(13, 6), options with { Seed = null })).Should().NotEqual(seeded);
    }

    [Fact]
    public async Task GenerateAsync_StopId_EndsBeforeIt()
    {
        using var generator = await LoadAsync(new InferenceOptions());
        var whole = Ids(await ReadAsync(generator, Prompt(14, 10), Plain(2)));
        var stop = whole[5];

        var ended = Ids(await ReadAsync(generator, Prompt(14, 10), Plain(2) with { StopIds = [stop, generator.VocabularySize + 7] }));

        ended.Should().Equal(whole.TakeWhile(id => id != stop));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public async Task GenerateAsync_MaxNewTokens_IsTheLength(int count)
    {
        using var generator = await LoadAsync(new InferenceOptions());

        (await ReadAsync(generator, Prompt(15, 4), Greedy with { MaxNewTokens = count })).Should().HaveCount(count);
    }

    [Fact]
    public async Task GenerateAsync_ContextEnds_EndsTheSequence()
    {
        using var generator = await LoadAsync(new InferenceOptions { ContextLength = 20 });
        generator.ContextLength.Should().Be(20);
        var greedy = Greedy with { MaxNewTokens = int.MaxValue };

        (await ReadAsync(generator, Prompt(16, 12), greedy)).Should().HaveCount(8);
        (await ReadAsync(generator, Prompt(16, 19), greedy)).Should().HaveCount(1);
        (await ReadAsync(generator, Prompt(16, 20), greedy)).Should().BeEmpty();
    }

    [Fact]
    public async Task GenerateAsync_UnusablePromptOrOptions_SaysSoAtOnce()
    {
        using var generator = await LoadAsync(new InferenceOptions { ContextLength = 20 });
        var size = generator.VocabularySize;

        generator.Invoking(g => g.GenerateAsync([], Greedy)).Should().Throw<AlpacaException>().WithMessage("*empty*");
        generator.Invoking(g => g.GenerateAsync(Prompt(1, 21), Greedy)).Should().Throw<AlpacaException>().WithMessage("*21*20*");
        generator.Invoking(g => g.GenerateAsync([1, size], Greedy)).Should().Throw<AlpacaException>().WithMessage($"*token 1*{size}*");
        generator.Invoking(g => g.GenerateAsync([-1], Greedy)).Should().Throw<AlpacaException>().WithMessage("*token 0*-1*");
        generator.Invoking(g => g.GenerateAsync([1], Greedy with { TopP = 0, TopLogProbabilities = 21 })).Should().Throw<AlpacaUsageException>().WithMessage("*TopP*TopLogProbabilities*");
        generator.Invoking(g => g.GenerateAsync([1], Greedy with { Adapter = "nobody" })).Should().Throw<AlpacaUsageException>().WithMessage("*nobody*");
    }

    [Fact]
    public async Task GenerateAsync_ReturnLogits_GivesEachTokenItsOwnCopy()
    {
        using var generator = await LoadAsync(new InferenceOptions());

        var tokens = await ReadAsync(generator, Prompt(17, 8), Greedy with { ReturnLogits = true });

        tokens.Should().AllSatisfy(token =>
        {
            token.Logits.Length.Should().Be(generator.VocabularySize);
            TensorPrimitives.IndexOfMax(token.Logits.Span).Should().Be(token.Id);
        });
        (await ReadAsync(generator, Prompt(17, 8), Greedy)).Should().AllSatisfy(token => token.Logits.IsEmpty.Should().BeTrue());
    }

    [Fact]
    public async Task GenerateAsync_LogProbabilities_AreThoseOfTheUnmodifiedDistribution()
    {
        using var generator = await LoadAsync(new InferenceOptions());
        var options = Sampling["everything"] with { ReturnLogits = true, TopLogProbabilities = 20 };

        var tokens = await ReadAsync(generator, Prompt(18, 8), options);

        foreach (var token in tokens)
        {
            var expected = LogSoftmax(token.Logits.ToArray());
            token.LogProbability.Should().BeApproximately(expected[token.Id], 1e-4f);
            var alternatives = token.Alternatives.ToArray();
            alternatives.Should().HaveCount(20).And.OnlyHaveUniqueItems(alternative => alternative.Id).And.BeInDescendingOrder(alternative => alternative.LogProbability);
            alternatives.Should().AllSatisfy(alternative => alternative.LogProbability.Should().BeApproximately(expected[alternative.Id], 1e-4f));
            alternatives[^1].LogProbability.Should().BeApproximately(expected.OrderDescending().ElementAt(19), 1e-4f, "no more probable one is missing");
            alternatives.Sum(alternative => Math.Exp(alternative.LogProbability)).Should().BeLessThan(1.0001);
        }
    }

    private protected static int[] Prompt(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(64))];
    }

    private protected static int[] Ids(IEnumerable<GeneratedToken> tokens) => [.. tokens.Select(token => token.Id)];

    private protected static async Task<GeneratedToken[]> ReadAsync(ITextGenerator generator, int[] prompt, GenerationOptions options, CancellationToken cancellationToken = default)
        => await generator.GenerateAsync(prompt, options, cancellationToken).ToArrayAsync(CancellationToken.None);

    private protected static void ShouldBeNear(float[] actual, float[] expected, float tolerance)
    {
        actual.Should().HaveSameCount(expected);
        actual.Zip(expected, (a, e) => a == e ? 0 : Math.Abs(a - e)).Max().Should().BeLessThan(tolerance); // equal where both are -∞
    }

    private static float[] LogSoftmax(float[] logits)
    {
        var max = (double)logits.Max();
        var sum = Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
        return [.. logits.Select(logit => (float)(logit - max - sum))];
    }
}

/// <summary>What a model is known to give.</summary>
/// <param name="PromptIds">The prompt.</param>
/// <param name="FirstLogits">The logits after it, or the first of them.</param>
/// <param name="GreedyIds">How the most likely tokens continue it.</param>
public sealed record KnownAnswer(IReadOnlyList<int> PromptIds, IReadOnlyList<float> FirstLogits, IReadOnlyList<int> GreedyIds);
