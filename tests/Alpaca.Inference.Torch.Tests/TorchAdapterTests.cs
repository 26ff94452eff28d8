using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Torch.Tests;

/// <summary>Adapters beside a model: the suite that all backends pass, and what Torch alone does.</summary>
public sealed class TorchAdapterTests : AdapterConformance, IDisposable
{
    private static readonly GenerationOptions FirstLogits = new() { Temperature = 0, MaxNewTokens = 1, ReturnLogits = true };

    private readonly TemporaryFolder _folder = new();
    private readonly LlamaConfig _config = LlamaConfig.Load(TinyGqa.Folder);

    public TorchAdapterTests()
    {
        RandomAdapter.Write(_folder.Combine("plain"), _config, seed: 1);
        RandomAdapter.Write(_folder.Combine("whole"), _config, seed: 2, rank: 8, saved: ["embed_tokens", "lm_head"]);
        RandomAdapter.Write(_folder.Combine("larger"), _config, seed: 3, saved: ["embed_tokens", "lm_head"], vocabulary: _config.VocabSize + 30);
    }

    protected override IReadOnlyList<AdapterSource> Adapters => [Source("plain"), Source("whole")];

    public void Dispose() => _folder.Dispose();

    protected override Task<ITextGenerator> LoadAsync(InferenceOptions options) => new TorchBackend().LoadAsync(TinyGqa.Folder, options);

    [Theory]
    [InlineData("plain")]
    [InlineData("whole")]
    public async Task GenerateAsync_Adapter_GivesTheLogitsOfTheMergedModel(string name)
    {
        RandomAdapter.Merge(TinyGqa.Folder, _folder.Combine(name), _folder.Combine("merged"));
        using var merged = await new TorchBackend().LoadAsync(_folder.Combine("merged"), new InferenceOptions());
        using var generator = await LoadAsync(new InferenceOptions { Adapters = Adapters });

        var expected = await LogitsAsync(merged, null);
        var actual = await LogitsAsync(generator, name);

        actual.Zip(expected, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThan(1e-4f * expected.Max(Math.Abs));
    }

    [Fact]
    public async Task GenerateAsync_AdapterWithALargerVocabulary_GivesTheModelAloneNoneOfIt()
    {
        using var generator = await LoadAsync(new InferenceOptions { Adapters = [Source("larger")] });

        generator.VocabularySize.Should().Be(_config.VocabSize + 30);
        (await LogitsAsync(generator, null))[_config.VocabSize..].Should().HaveCount(30).And.OnlyContain(logit => float.IsNegativeInfinity(logit));
        (await LogitsAsync(generator, "larger")).Should().OnlyContain(logit => float.IsFinite(logit));
    }

    [Fact]
    public async Task GenerateAsync_IdThatOnlyAnAdapterKnows_IsRefusedWithoutIt()
    {
        using var generator = await LoadAsync(new InferenceOptions { Adapters = [Source("larger")] });
        var options = FirstLogits with { Adapter = "larger" };
        (await generator.GenerateAsync([1, _config.VocabSize + 3], options).ToListAsync()).Should().ContainSingle();

        var act = async () => await generator.GenerateAsync([1, _config.VocabSize + 3], FirstLogits).ToListAsync();

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage($"The id {_config.VocabSize + 3} is not among the {_config.VocabSize}*");
        (await generator.GenerateAsync([1, 5], FirstLogits).ToListAsync()).Should().ContainSingle("others go on");
    }

    [Fact]
    public async Task LoadAsync_AdapterOfAnotherModel_NamesEveryLayerThatDoesNotFit()
    {
        RandomAdapter.Write(_folder.Combine("foreign"), _config with { HiddenSize = _config.HiddenSize * 2, NumHiddenLayers = _config.NumHiddenLayers + 1 }, seed: 1);

        var act = () => LoadAsync(new InferenceOptions { Adapters = [Source("foreign")] });

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("*foreign does not fit*q_proj is*");
    }

    [Fact]
    public async Task LoadAsync_SeveralAdaptersThatDoNotFit_NamesAllOfThem()
    {
        RandomAdapter.Write(_folder.Combine("foreign"), _config with { HiddenSize = _config.HiddenSize * 2 }, seed: 1);
        RandomAdapter.Write(_folder.Combine("stranger"), _config with { HiddenSize = _config.HiddenSize * 4 }, seed: 2);

        var act = () => LoadAsync(new InferenceOptions { Adapters = [Source("foreign"), Source("plain"), Source("stranger")] });

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("*foreign does not fit*stranger does not fit*");
    }

    [Fact]
    public async Task LoadAsync_AdapterNamesEmptyAndTwice_AreRefusedTogether()
    {
        var act = () => LoadAsync(new InferenceOptions { Adapters = [Source("plain"), Source("plain"), Source("whole") with { Name = " " }] });

        (await act.Should().ThrowAsync<AlpacaUsageException>()).WithMessage("*whole has no name*2 adapters are named 'plain'*");
    }

    private static async Task<float[]> LogitsAsync(ITextGenerator generator, string? adapter)
        => (await generator.GenerateAsync(TinyGqa.Expected.PromptIds, FirstLogits with { Adapter = adapter }).FirstAsync()).Logits.ToArray();

    private AdapterSource Source(string name) => new(name, _folder.Combine(name));
}
