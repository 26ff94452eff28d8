namespace Alpaca.Text.Tests;

/// <summary>What Hugging Face's <c>LlamaTokenizer</c> with <c>legacy=True</c> does around SentencePiece, sentence by sentence, for both kinds of its models.</summary>
public sealed class HuggingFaceLegacyTests : IDisposable
{
    private const int Bos = 1, Eos = 2;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Models => ["base", "unigram-bytes", "chinese"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Models))]
    public void Encode_TextAroundSpecialTokens_HasADummyPrefixInEachStretch(string model)
    {
        var tokenizer = Load(model);
        tokenizer.Encode("the</s>sea", addBos: true, parseSpecial: true).Should().Equal([Bos, .. tokenizer.Encode("the"), Eos, .. tokenizer.Encode("sea")]);
        if (tokenizer.Model.Normalizer.AddDummyPrefix) tokenizer.PieceOf(tokenizer.Encode("</s>sea", parseSpecial: true)[1]).Should().StartWith("▁", "even after a special token");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Encode_BeginningUnlessAskedNotEnd_FollowsTheConfiguration(string model)
    {
        var tokenizer = Load(model);
        tokenizer.Encode("the", addBos: true).Should().StartWith(Bos).And.NotContain(Eos);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void VocabularySize_PadThatTheModelLacks_IsOneMoreThanItsPieces(string model)
    {
        var plain = Load(model).VocabularySize;
        var tokenizer = Load(model, """{"pad_token": "[PAD]"}""");
        (plain, tokenizer.VocabularySize, tokenizer.PadId).Should().Be((tokenizer.Model.Pieces.Count, plain + 1, plain));
    }

    [Fact]
    public void VocabularySize_PadThatTheModelHas_IsThatOfTheModel()
    {
        // Chinese-Alpaca's model has [PAD] as its last piece; the map names it, the configuration says null.
        var model = SentencePieceModel.Load(Fixture.Path("base.model"));
        model.Append([new SentencePiece("[PAD]", 0)]).Save(_folder.Combine("tokenizer.model"));
        _folder.Write("special_tokens_map.json", """{"pad_token": "[PAD]"}""");
        _folder.Write("tokenizer_config.json", """{"pad_token": null}""");
        var tokenizer = LlamaTokenizer.Load(_folder.Path);
        (tokenizer.PadId, tokenizer.VocabularySize).Should().Be((620, 621));
        tokenizer.Decode([620, .. tokenizer.Encode("the"), 620]).Should().Be("the", "it is special though an ordinary piece");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Encode_PadGivenAsString_TakesTheSpacesAroundIt(string model)
    {
        var tokenizer = Load(model, """{"pad_token": "[PAD]"}""");
        var pad = tokenizer.PadId!.Value;
        tokenizer.Encode("the  [PAD] \n sea", parseSpecial: true).Should().Equal([.. tokenizer.Encode("the"), pad, .. tokenizer.Encode("sea")]);
        tokenizer.Encode(" [PAD] ", parseSpecial: true).Should().Equal(pad);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Encode_PadGivenAsToken_StripsOnlyWhereItSaysSo(string model)
    {
        var tokenizer = Load(model, """{"pad_token": {"content": "[PAD]", "lstrip": false, "rstrip": true, "normalized": true, "single_word": false}}""");
        tokenizer.Encode("the [PAD] sea", parseSpecial: true).Should().Equal([.. tokenizer.Encode("the "), tokenizer.PadId!.Value, .. tokenizer.Encode("sea")]);
    }

    [Theory]
    [InlineData("""{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}""")]
    [InlineData("""{"bos_token": {"content": "<s>", "lstrip": false, "rstrip": false}, "eos_token": {"content": "</s>", "lstrip": false, "rstrip": false}, "unk_token": {"content": "<unk>"}}""")]
    public void Encode_BeginningEndAndUnknown_KeepTheSpacesAroundThem(string map)
    {
        var tokenizer = Load("base", map);
        foreach (var (text, id) in new[] { ("<s>", Bos), ("</s>", Eos), ("<unk>", 0) })
            tokenizer.Encode($"the {text} sea", parseSpecial: true).Should().Equal([.. tokenizer.Encode("the "), id, .. tokenizer.Encode(" sea")]);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Decode_WithSpecialTokens_PutsTheSpaceBeforeTheRun(string model)
    {
        var tokenizer = Load(model);
        var (the, sea) = (tokenizer.Encode("the"), tokenizer.Encode("sea"));
        var (decodedThe, decodedSea) = (tokenizer.Decode(the), tokenizer.Decode(sea));
        string Decode(params IEnumerable<int>[] parts) => tokenizer.Decode(parts.SelectMany(ids => ids), skipSpecialTokens: false);
        Decode([Bos], the, [Eos]).Should().Be($"<s> {decodedThe}</s>", "a special token after an ordinary one that is not the first gets a space before what is pending");
        Decode(the, [Eos], sea, [Eos]).Should().Be($" {decodedThe}</s> {decodedSea}</s>");
        Decode([Bos], [Eos], [Bos]).Should().Be("<s></s><s>", "none between special tokens");
        Decode([Eos], sea).Should().Be($"</s>{decodedSea}", "none before a run that ends the text");
        Decode(sea).Should().Be(decodedSea);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Decode_SkippingSpecialTokens_IsAsIfTheyWereNotThere(string model)
    {
        var tokenizer = Load(model, """{"pad_token": "[PAD]"}""");
        var (the, sea, pad) = (tokenizer.Encode("the"), tokenizer.Encode("sea"), tokenizer.PadId!.Value);
        tokenizer.Decode([Bos, .. the, Eos, pad, .. sea, pad]).Should().Be(tokenizer.Decode([.. the, .. sea]));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Decode_AddedTokenThatIsNotSpecial_IsSetOffBySpaces(string model)
    {
        _folder.Write("added_tokens.json", $$"""{"<tool>": {{SentencePieceModel.Load(Fixture.Path($"{model}.model")).Pieces.Count}}}""");
        var tokenizer = Load(model);
        var (the, tool) = (tokenizer.Encode("the"), tokenizer.SpecialIdOf("<tool>")!.Value);
        var decoded = tokenizer.Decode(the);
        foreach (var skips in new[] { true, false })
        {
            tokenizer.Decode([.. the, tool, .. the], skips).Should().Be($"{decoded} <tool> {decoded}");
            tokenizer.Decode([tool, tool], skips).Should().Be("<tool> <tool>");
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Decode_SpacesBeforePunctuation_AreNotCleanedUp(string model)
    {
        _folder.Write("tokenizer_config.json", """{"clean_up_tokenization_spaces": false}""");
        var tokenizer = Load(model);
        tokenizer.Decode(tokenizer.Encode("the sea ,")).Should().Be("the sea ,");
    }

    private SentencePieceTokenizer Load(string model, string specialTokensMap = """{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}""")
    {
        File.Copy(Fixture.Path($"{model}.model"), _folder.Combine("tokenizer.model"), overwrite: true);
        _folder.Write("special_tokens_map.json", specialTokensMap);
        return (SentencePieceTokenizer)ModelTokenizer.Load(_folder.Path);
    }
}
