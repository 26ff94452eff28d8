using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Alpaca.Text.Tests;

/// <summary>Why the encoders are our own: where Microsoft.ML.Tokenizers gives other ids. A version that no longer does can take their place.</summary>
public sealed class MicrosoftTokenizersTests
{
    [Fact]
    public void EncodeToIds_UnigramModel_GivesOtherIdsThanSentencePiece()
    {
        using var file = File.OpenRead(Fixture.Path("unigram.model"));
        var tokenizer = Microsoft.ML.Tokenizers.SentencePieceTokenizer.Create(file, addBeginningOfSentence: false);
        var samples = Fixture.Load("unigram").Encode;
        samples.Count(sample => !tokenizer.EncodeToIds(sample.Text).SequenceEqual(sample.Ids)).Should().BeGreaterThan(samples.Count / 10);
    }

    [GoldenFact]
    public void EncodeToIds_MergedModel_GivesOtherIdsThanSentencePiece()
    {
        using var file = new MemoryStream(GoldenModels.Merged.ToByteArray());
        var tokenizer = Microsoft.ML.Tokenizers.SentencePieceTokenizer.Create(file, addBeginningOfSentence: false);
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("tokenizer", "expected.json")));
        var samples = expected.RootElement.GetProperty("texts").EnumerateArray().ToList();
        samples.Count(sample => !tokenizer.EncodeToIds(sample.GetProperty("text").GetString()!).SequenceEqual(sample.GetProperty("merged").EnumerateArray().Select(id => id.GetInt32())))
            .Should().BeGreaterThan(samples.Count / 10);
    }

    [Fact]
    public void EncodeToIds_Tiktoken_DiffersOnLettersAndDigitsBeyondTheBasicPlaneAlone()
    {
        using var file = File.OpenRead(Llama3Fixture.TiktokenPath);
        var tokenizer = TiktokenTokenizer.Create(file, new RegexPreTokenizer(new Regex(Llama3Words.Pattern), specialTokens: null), normalizer: null);
        var differing = Llama3Fixture.Load().Encode.Where(sample => !tokenizer.EncodeToIds(sample.Text).SequenceEqual(sample.Tiktoken)).ToList();
        differing.Should().NotBeEmpty().And.OnlyContain(sample => sample.Text.Any(char.IsSurrogate) || sample.Text.Contains('ſ'));
    }
}
