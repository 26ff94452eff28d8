using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class TokenizerFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TokenizerFolderTests() => File.Copy(Fixture.Path("base.model"), _folder.Combine("tokenizer.model"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_SpecialTokensMapWithPad_AddsItAfterThePieces()
    {
        _folder.Write("special_tokens_map.json", """{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": "[PAD]", "unk_token": "<unk>"}""");
        _folder.Write("tokenizer_config.json", """{"pad_token": null, "bos_token": {"__type": "AddedToken", "content": "<s>"}, "model_max_length": 2048}""");
        var tokenizer = LlamaTokenizer.Load(_folder.Path);

        (tokenizer.PadId, tokenizer.VocabularySize, tokenizer.PieceOf(620), tokenizer.PieceOf(621)).Should().Be((620, 621, "[PAD]", null));
        tokenizer.Encode("a [PAD] b", parseSpecial: true).Should().Equal([.. tokenizer.Encode("a"), 620, .. tokenizer.Encode("b")],
            "a token given as a plain string takes the spaces around it");
        tokenizer.Encode("a [PAD] b").Should().NotContain(620);
        tokenizer.Decode([1, .. tokenizer.Encode("the sea"), 2, 620, 620]).Should().Be("the sea");
    }

    [Fact]
    public void Load_AddedTokensFile_GivesTheIdsItNames()
    {
        _folder.Write("added_tokens.json", """{"<tool>": 621, "[PAD]": 620}""");
        _folder.Write("special_tokens_map.json", """{"pad_token": "[PAD]"}""");
        var tokenizer = LlamaTokenizer.Load(_folder.Path);

        (tokenizer.PadId, tokenizer.VocabularySize).Should().Be((620, 622));
        var ids = new[] { tokenizer.Encode("the")[0], 621, tokenizer.Encode("sea")[0], 620 };
        tokenizer.Decode(ids).Should().Be("the <tool> sea", "an added token that is not special is text, set off by spaces");
        var streamed = new StreamingDecoder(tokenizer);
        (string.Concat(ids.Select(streamed.Append)) + streamed.Flush()).Should().Be("the <tool> sea");
    }

    [Fact]
    public void Load_AddedTokensDecoder_ReadsNewerFolders()
    {
        _folder.Write("tokenizer_config.json",
            """{"added_tokens_decoder": {"0": {"content": "<unk>", "special": true}, "620": {"content": "<pad>", "special": true, "lstrip": true}}, "pad_token": "<pad>"}""");
        LlamaTokenizer.Load(_folder.Path).PadId.Should().Be(620);
    }

    [Fact]
    public void Decode_WithSpecialTokens_WritesThemAsHuggingFaceDoes()
    {
        var tokenizer = LlamaTokenizer.Load(_folder.Path);
        var ids = tokenizer.Encode("the sea", addBos: true, addEos: true);
        tokenizer.Decode(ids, skipSpecialTokens: false).Should().Be("<s> the sea</s>");
        tokenizer.Decode([1, .. tokenizer.Encode("the sea")], skipSpecialTokens: false).Should().Be("<s>the sea");
        tokenizer.Decode([0, 2], skipSpecialTokens: false).Should().Be("<unk></s>");
    }

    [Theory]
    [InlineData("added_tokens.json", """{"[PAD]": 5}""", "*added_tokens.json*[PAD]*5*")]
    [InlineData("added_tokens.json", """{"<s>": 620}""", "*added_tokens.json*<s>*620*piece 1 of*")]
    [InlineData("added_tokens.json", """{"[PAD]": -1}""", "*added_tokens.json*-1*")]
    [InlineData("added_tokens.json", """{"[PAD]": 2000000000}""", "*added_tokens.json*2000000000*")]
    [InlineData("added_tokens.json", """{"a!": 620, "b!": 620}""", "*added_tokens.json*b!*620*")]
    [InlineData("added_tokens.json", """{"[PAD]": "x"}""", "*added_tokens.json*")]
    [InlineData("special_tokens_map.json", "{", "*special_tokens_map.json*")]
    [InlineData("special_tokens_map.json", "[]", "*special_tokens_map.json*")]
    [InlineData("special_tokens_map.json", """{"pad_token": {"text": "x"}}""", "*special_tokens_map.json*")]
    [InlineData("special_tokens_map.json", """{"pad_token": ""}""", "*special_tokens_map.json*empty*")]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder": {"x": {"content": "y"}}}""", "*tokenizer_config.json*'x'*")]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder": 3}""", "*tokenizer_config.json*")]
    public void Load_DamagedJson_NamesTheFile(string file, string json, string message)
    {
        _folder.Write(file, json);
        var load = () => LlamaTokenizer.Load(_folder.Path);
        load.Should().Throw<AlpacaException>().WithMessage(message);
    }

    [Fact]
    public void Load_FolderWithoutModel_SaysWhatIsMissing()
    {
        using var empty = new TemporaryFolder();
        FluentActions.Invoking(() => ModelTokenizer.Load(empty.Path)).Should().Throw<AlpacaException>().WithMessage("*has no tokenizer.model or tokenizer.json*");
        FluentActions.Invoking(() => ModelTokenizer.Load(empty.Combine("missing"))).Should().Throw<AlpacaException>().WithMessage("*missing*does not exist*");
        FluentActions.Invoking(() => ModelTokenizer.Load(empty.Combine("missing.json"))).Should().Throw<AlpacaException>().WithMessage("*missing.json*does not exist*");
    }

    [Theory]
    [InlineData("base.model", typeof(LlamaTokenizer))]
    [InlineData("chinese.model", typeof(UnigramTokenizer))]
    [InlineData("llama3.tiktoken", typeof(Llama3Tokenizer))]
    public void Load_ModelFile_IsOfTheKindThatTheFileIsOf(string file, Type kind)
    {
        File.Copy(Fixture.Path(file), _folder.Combine("tokenizer.model"), overwrite: true);
        ModelTokenizer.Load(_folder.Path).Should().BeOfType(kind);
        ModelTokenizer.Load(_folder.Combine("tokenizer.model")).Should().BeOfType(kind);
    }

    [Fact]
    public void Load_SentencePieceModelBesideTokenizerJson_IsTheSentencePieceModel()
    {
        _folder.Write("tokenizer.json", """{"model": {"type": "BPE", "byte_fallback": true}}""");
        ModelTokenizer.Load(_folder.Path).Should().BeOfType<LlamaTokenizer>();
    }

    [Fact]
    public void Load_ModelOfAnotherKindThanAskedFor_SaysSo()
        => FluentActions.Invoking(() => LlamaTokenizer.Load(Fixture.Path("chinese.model"))).Should().Throw<AlpacaException>().WithMessage("*chinese.model*another kind*");

    [Fact]
    public void Create_ModelOfAnotherKind_SaysWhy()
    {
        FluentActions.Invoking(() => LlamaTokenizer.Create(SentencePieceModel.Load(Fixture.Path("chinese.model")))).Should().Throw<AlpacaException>()
            .WithMessage("*chinese.model*Unigram*normalises*removes extra spaces*");
        FluentActions.Invoking(() => UnigramTokenizer.Create(SentencePieceModel.Load(Fixture.Path("base.model")))).Should().Throw<AlpacaException>().WithMessage("*base.model*Bpe*");
    }
}
