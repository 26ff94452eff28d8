using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Models;

public sealed class TokenizerJsonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":2}},"added_tokens":[{"id":5,"content":"<s>"}]}""", 6)]
    [InlineData("""{"model":{"vocab":{"a":0,"b":1}}}""", 2)]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a",0.0],["b",-1.0],["c",-2.0]]},"added_tokens":[{"id":1,"content":"b"}]}""", 3)]
    public void ReadVocabularySize_AnyModel_IsOneMoreThanTheLargestId(string json, int expected) =>
        TokenizerJson.ReadVocabularySize(_folder.Write("tokenizer.json", json)).Should().Be(expected);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"model":{"vocab":{"a":-1}}}""")]
    [InlineData("""{"model":{"vocab":{"a":"x"}}}""")]
    [InlineData("""{"model":{"vocab":{"a":0}},"added_tokens":[{"content":"<s>"}]}""")]
    [InlineData("""{"model":{"vocab":[]}}""")]
    public void ReadVocabularySize_NoIds_NamesTheFile(string json)
    {
        var act = () => TokenizerJson.ReadVocabularySize(_folder.Write("tokenizer.json", json));

        act.Should().Throw<AlpacaException>().WithMessage("*tokenizer.json holds no vocabulary*");
    }
}
