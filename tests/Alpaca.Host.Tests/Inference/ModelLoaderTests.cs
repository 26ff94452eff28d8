using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host.Tests;

public sealed class ModelLoaderTests : IDisposable
{
    private static readonly string SampleTokenizer = Path.Combine(Golden.RepositoryRoot, "samples", "llama-tiny");
    private readonly TemporaryFolder _folder = new();
    private readonly FixedCatalog _catalog = new(new ScriptedGenerator("x"));

    public void Dispose()
    {
        _catalog.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task LoadAsync_ModelWithTokenizer_StopsAtEveryEndThatIsNamed()
    {
        AddTokenizer();
        _folder.Write("generation_config.json", """{ "eos_token_id": [7, 9] }""");

        using var model = await LoadAsync();

        model.StopIds.Should().BeEquivalentTo([2, 7, 9]);
        model.Backend.Should().Be("Scripted");
    }

    [Fact]
    public async Task LoadAsync_TokenizerOfAnotherSize_NamesBothBeforeTheModelIsRead()
    {
        AddTokenizer();
        WriteConfig(vocabulary: 9999);

        await FluentActions.Invoking(LoadAsync).Should().ThrowAsync<AlpacaException>().WithMessage($"*{ScriptedGenerator.Tokenizer.VocabularySize} pieces, fewer than the 9999 rows*");
        _catalog.Loaded.Should().Be(0);
    }

    [Fact]
    public async Task LoadAsync_NoTokenizer_IsAnErrorUnlessIdsAreEnough()
    {
        await FluentActions.Invoking(LoadAsync).Should().ThrowAsync<AlpacaException>().WithMessage("*no tokenizer.model*--tokenizer*");

        using var model = await new ModelLoader(_catalog).LoadAsync(Options with { RequiresTokenizer = false });

        model.HasTokenizer.Should().BeFalse();
        model.Invoking(m => m.Encode("x")).Should().Throw<AlpacaException>();
    }

    [Fact]
    public async Task LoadAsync_TokenizerElsewhere_IsTaken()
    {
        using var model = await new ModelLoader(_catalog).LoadAsync(Options with { TokenizerFolder = SampleTokenizer });

        model.HasTokenizer.Should().BeTrue();
    }

    [Fact]
    public async Task LoadAsync_ModelWithLlama3Tokenizer_AnswersInItsTokens()
    {
        File.Copy(Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Text.Tests", "Fixtures", "llama3.tiktoken"), _folder.Combine("tokenizer.model"));
        using var catalog = new FixedCatalog(new ScriptedGenerator("x") { VocabularySize = 932 });

        using var model = await new ModelLoader(catalog).LoadAsync(Options);

        model.Tokenizer.Should().BeOfType<Llama3Tokenizer>();
        model.StopIds.Should().Equal(model.Tokenizer.EosId!.Value);
        model.Encode("为什么").Should().StartWith(model.Tokenizer.SpecialIdOf("<|begin_of_text|>")!.Value).And.HaveCountLessThan(10);
    }

    [Fact]
    public async Task LoadAsync_UnknownTemplate_ListsThem()
        => await FluentActions.Invoking(() => new ModelLoader(_catalog).LoadAsync(Options with { Template = "alpcaa" }))
            .Should().ThrowAsync<AlpacaUsageException>().WithMessage($"*{string.Join(", ", PromptTemplate.Names)}*");

    [Fact]
    public async Task LoadAsync_FolderIsNotThere_NamesIt()
        => await FluentActions.Invoking(() => new ModelLoader(_catalog).LoadAsync(Options with { Folder = _folder.Combine("none") })).Should().ThrowAsync<AlpacaException>().WithMessage("*none*");

    private ModelOptions Options => new() { Backend = "Scripted", Folder = _folder.Path };

    private Task<ModelHandle> LoadAsync() => new ModelLoader(_catalog).LoadAsync(Options);

    private void AddTokenizer() => File.Copy(Path.Combine(SampleTokenizer, "tokenizer.model"), _folder.Combine("tokenizer.model"));

    private void WriteConfig(int vocabulary) => _folder.Write("config.json", $$"""
        { "model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": {{vocabulary}}, "rms_norm_eps": 1e-6,
          "max_position_embeddings": 64, "torch_dtype": "float16", "bos_token_id": 1, "eos_token_id": 2 }
        """);
}
