using Alpaca.Abstractions;

namespace Alpaca.TestSupport;

/// <summary>What every backend does alike with adapters beside a model; a backend's tests inherit it.</summary>
public abstract class AdapterConformance
{
    private static readonly GenerationOptions Options = new() { Temperature = 1, TopK = 0, TopP = 1, RepetitionPenalty = 1, Seed = 5, MaxNewTokens = 10 };

    /// <summary>At least two adapters, each of which changes what the model says.</summary>
    protected abstract IReadOnlyList<AdapterSource> Adapters { get; }

    /// <summary>Loads the model.</summary>
    protected abstract Task<ITextGenerator> LoadAsync(InferenceOptions options);

    [Fact]
    public async Task GenerateAsync_Adapters_EachChangesTheAnswerInItsWay()
    {
        using var generator = await LoadAsync(new InferenceOptions { Adapters = Adapters });

        generator.Adapters.Should().Equal(Adapters.Select(adapter => adapter.Name));
        var answers = new List<float[]>();
        foreach (var name in Names()) answers.Add((await FirstLogitsAsync(generator, name)));

        answers.Select(logits => string.Join(',', logits)).Should().OnlyHaveUniqueItems();
        using var bare = await LoadAsync(new InferenceOptions());
        answers[0].Zip(await FirstLogitsAsync(bare, null), (a, b) => a == b ? 0 : Math.Abs(a - b)).Max().Should().BeLessThan(1e-3f, "without an adapter it is the model alone");
    }

    [Fact]
    public async Task GenerateAsync_SeveralAdaptersInABatch_GetWhatTheyGetAlone()
    {
        using var generator = await LoadAsync(new InferenceOptions { Adapters = Adapters, MaxConcurrency = 5 });
        var names = Enumerable.Range(0, 3).SelectMany(_ => Names()).ToList();
        var alone = new List<int[]>();
        foreach (var name in names) alone.Add(await IdsAsync(generator, name));

        var together = await Task.WhenAll(names.Select(name => IdsAsync(generator, name)));

        together.Should().BeEquivalentTo(alone, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task GenerateAsync_PromptKnownUnderAnotherAdapter_IsNotTakenOver()
    {
        using var generator = await LoadAsync(new InferenceOptions { Adapters = Adapters, MaxConcurrency = 4 });
        foreach (var name in Names())
        {
            var first = await generator.GenerateAsync(Prompt, Options with { Adapter = name }).FirstAsync();
            first.ReusedPromptTokens.Should().Be(0);
        }

        (await generator.GenerateAsync(Prompt, Options with { Adapter = Adapters[0].Name }).FirstAsync()).ReusedPromptTokens.Should().BePositive();
    }

    [Fact]
    public async Task ScoreAsync_Adapter_GivesTheLogProbabilitiesUnderIt()
    {
        using var generator = await LoadAsync(new InferenceOptions { Adapters = Adapters });
        var name = Adapters[1].Name;
        var tokens = await generator.GenerateAsync(Prompt, Options with { Adapter = name }).ToListAsync();

        var scores = await generator.ScoreAsync([.. Prompt, .. tokens.Select(token => token.Id)], name);

        scores[(Prompt.Count - 1)..].Zip(tokens, (score, token) => Math.Abs(score - token.LogProbability)).Max().Should().BeLessThan(1e-3f);
        (await generator.EmbedAsync(Prompt, name)).Should().NotEqual(await generator.EmbedAsync(Prompt));
    }

    private static IReadOnlyList<int> Prompt { get; } = [.. Enumerable.Range(0, 20).Select(i => 1 + i * 7 % 60)];

    private IEnumerable<string?> Names() => Adapters.Select(adapter => (string?)adapter.Name).Prepend(null);

    private static async Task<float[]> FirstLogitsAsync(ITextGenerator generator, string? adapter)
        => (await generator.GenerateAsync(Prompt, Options with { Adapter = adapter, ReturnLogits = true }).FirstAsync()).Logits.ToArray();

    private static async Task<int[]> IdsAsync(ITextGenerator generator, string? adapter)
        => [.. (await generator.GenerateAsync(Prompt, Options with { Adapter = adapter }).ToListAsync()).Select(token => token.Id)];
}
