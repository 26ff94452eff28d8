using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Alpaca.Tokenizers.Tests;

/// <summary>That clients of <c>tokenizer.json</c> get the ids SentencePiece gives.</summary>
public sealed class FastTokenizerTests : IDisposable
{
    // In no piece of the base model.
    private const string FreshCharacters = "甲乙丙丁";

    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "Fixtures");
    private static readonly SentencePieceModel Base = SentencePieceModel.Load(Path.Combine(Fixtures, "base.model"));
    private static readonly SentencePieceModel Merged =
        VocabularyMerge.Of(Base, [SentencePieceModel.Load(Path.Combine(Fixtures, "chinese.model"))], [], "[PAD]", padFirst: false).Model;

    // The first merge of a trained model has the score 0 too.
    private static readonly int BaseOrderedPieces = FastTokenizer.Of(Base).OrderedPieces;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_MergedFixture_GivesTheIdsOfSentencePiece()
    {
        var client = Client(Merged);
        client.HasPattern.Should().BeTrue();
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures, "merged.json")));
        foreach (var sample in expected.RootElement.GetProperty("encode").EnumerateArray())
        {
            var text = sample.GetProperty("text").GetString()!;
            client.Encode(text).Should().Equal(sample.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), "text '{0}'", text);
        }
    }

    [Property(MaxTest = 60)]
    public Property Write_PiecesOfEqualScore_AreTakenFromTheLeft()
    {
        var piece = Gen.Elements(FreshCharacters.ToCharArray()).ArrayOf().Where(chars => chars.Length is >= 2 and <= 5).Select(chars => new string(chars));
        var pieces = piece.ArrayOf().Where(list => list.Length > 3).Select(list => list.Distinct(StringComparer.Ordinal).ToArray());
        var texts = Gen.Elements(FreshCharacters.ToCharArray()).ArrayOf(40).Select(chars => new string(chars)).ArrayOf(20);
        return Prop.ForAll(pieces.ToArbitrary(), texts.ToArbitrary(), (added, samples) =>
        {
            var model = Base.Append([.. FreshCharacters.Select(c => c.ToString()).Concat(added).Select(text => new SentencePiece(text, Score: 0))]);
            var fast = FastTokenizer.Of(model);
            var (client, tokenizer) = (Client(model), LlamaTokenizer.Create(model));
            // Where the orders that single pieces need contradict each other, which the tokenizer counts, no rank can do it.
            return (fast.SpoiltPieces > 0 || samples.All(text => client.Encode(text).SequenceEqual(tokenizer.Encode(text)))).When(fast.OrderedPieces == BaseOrderedPieces);
        });
    }

    [Fact]
    public void Write_PieceThatALaterMergeTakesUp_IsLeftToTheOrderOfMerges()
    {
        // 甲乙 is there at once and could be cut out, but with the base's "es", which comes later, it becomes es甲乙.
        var model = Base.Append([.. new[] { "甲", "乙", "丙", "甲乙", "乙丙", "es甲乙" }.Select(text => new SentencePiece(text, Score: 0))]);
        FastTokenizer.Of(model).OrderedPieces.Should().Be(BaseOrderedPieces + 2, "a pattern without 甲乙 would find 乙丙 in the middle of it");
        var (client, tokenizer) = (Client(model), LlamaTokenizer.Create(model));
        foreach (var text in new[] { "甲es甲乙", "甲es甲乙丙", "甲乙丙", "b甲乙丙", "a 甲乙", "乙丙甲乙" }) client.Encode(text).Should().Equal(tokenizer.Encode(text), "text '{0}'", text);
        tokenizer.Encode("甲es甲乙").Should().EndWith([model.Pieces.Count - 1]);
    }

    [Fact]
    public void Write_BaseModelAlone_HasNoPattern() => Client(Base).HasPattern.Should().BeFalse("no two of its pieces have the same score");

    [Theory]
    [InlineData("chinese.model", "it is a Unigram model")]
    public void Of_ModelOfAnotherKind_SaysWhyNot(string file, string reason)
    {
        var model = SentencePieceModel.Load(Path.Combine(Fixtures, file));
        FastTokenizer.WhyNot(model).Should().Be(reason);
        var of = () => FastTokenizer.Of(model);
        of.Should().Throw<AlpacaException>().WithMessage($"*{file}*{reason}*tokenizer.model*");
    }

    [Fact]
    public void Of_UserDefinedPieces_SaysWhyNot()
        => FastTokenizer.WhyNot(Base.Append([new SentencePiece("<mark>", 0, SentencePieceType.UserDefined)])).Should().Be("it has user-defined or unused pieces");

    [NodeTheory("@huggingface/tokenizers")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_ForHuggingFacesLibraries_GivesTheSameIdsAndTexts(bool isMerged)
    {
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures, "merged.json")));
        var texts = expected.RootElement.GetProperty("encode").EnumerateArray().Select(sample => sample.GetProperty("text").GetString()!)
            .Concat(["a</s>b", "[PAD] 学习[PAD]", "<s>中国 "]).ToList();
        await CompareAsync(isMerged ? Merged : Base, isMerged ? "[PAD]" : null, texts);
    }

    [NodeFact("@huggingface/tokenizers")]
    public async Task Write_SampleModelsForHuggingFacesLibraries_GivesTheSameIdsOnTheSampleData()
    {
        var samples = Path.Combine(Golden.RepositoryRoot, "samples");
        var model = VocabularyMerge.Of(
            SentencePieceModel.Load(Path.Combine(samples, "llama-tiny", "tokenizer.model")), [SentencePieceModel.Load(Path.Combine(samples, "chinese_sp.model"))], [], "[PAD]", padFirst: false).Model;
        var texts = Directory.EnumerateFiles(Path.Combine(samples, "instructions"), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .SelectMany(file => JsonSerializer.Deserialize<List<Dictionary<string, string>>>(File.ReadAllBytes(file))!).SelectMany(sample => sample.Values).ToList();
        texts.Should().HaveCountGreaterThan(100);
        await CompareAsync(model, "[PAD]", texts);
    }

    [NodeGoldenTheory("@huggingface/tokenizers")]
    [Trait("Category", "Slow")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_PublishedModelsForHuggingFacesLibraries_GivesTheSameIdsAndTexts(bool isMerged)
    {
        var llama = SentencePieceModel.Load(Golden.Path("tokenizer", "llama.model"));
        var chinese = SentencePieceModel.Load(Golden.Path("tokenizer", "chinese_sp.model"));
        var model = isMerged ? VocabularyMerge.Of(llama, [chinese], [], padToken: null, padFirst: false).Model : llama;
        using var expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Golden.Path("tokenizer", "expected.json")));
        var samples = new[] { "tricky", "texts" }.SelectMany(set => expected.RootElement.GetProperty(set).EnumerateArray()).ToList();
        var texts = samples.Select(sample => sample.GetProperty("text").GetString()!).ToList();
        if (isMerged) texts.AddRange(model.Pieces.Skip(llama.Pieces.Count).Select(piece => piece.Text.Replace('▁', ' ').Trim()));
        await CompareAsync(model, padToken: null, texts);
    }

    private async Task CompareAsync(SentencePieceModel model, string? padToken, List<string> texts)
    {
        var folder = _folder.CreateFolder("tokenizer");
        model.Save(Path.Combine(folder, LlamaTokenizer.ModelFileName));
        HuggingFaceTokenizer.Write(folder, model, new HuggingFaceTokenizerSettings { PadToken = padToken });
        var tokenizer = LlamaTokenizer.Load(folder);
        using var results = await NodeModules.RunAsync("encode.mjs", new { folder, texts });
        foreach (var library in results.RootElement.EnumerateObject().Where(library => library.Value.ValueKind == JsonValueKind.Array))
        {
            foreach (var (text, result) in texts.Zip(library.Value.EnumerateArray()))
            {
                var ids = tokenizer.Encode(text, addBos: true, parseSpecial: true);
                result.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).SequenceEqual(ids).Should().BeTrue("{0} encodes '{1}' as we do", library.Name, text);
                // The unknown token, which only <unk> itself becomes, shows as SentencePiece writes it here and is left out there.
                // JavaScript's decoder of UTF-8 takes U+FEFF for a byte order mark.
                if (ids.Contains(tokenizer.UnkId!.Value) || text.Contains('\uFEFF', StringComparison.Ordinal)) continue;
                result.GetProperty("decoded").GetString().Should().Be(tokenizer.Decode(ids), "{0} decodes '{1}' as we do", library.Name, text);
            }
        }
    }

    private static RankedBpe Client(SentencePieceModel model)
    {
        using var stream = new MemoryStream();
        FastTokenizer.Of(model).Write(stream);
        return new RankedBpe(stream.ToArray());
    }
}
