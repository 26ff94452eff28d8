using System.Text.Json;

namespace Alpaca.Text.Tests;

/// <summary>LLaMA's own tokenizer against SentencePiece 0.1.97, text by text. (The merged one is compared where it is made, in Alpaca.Tokenizers.Tests.)</summary>
public sealed class TokenizerGoldenTests
{
    [GoldenTheory]
    [InlineData("tricky")]
    [InlineData("texts")]
    public void Encode_ReferenceTexts_GivesSentencePieceIds(string set)
    {
        var tokenizer = LlamaTokenizer.Load(Golden.Path("tokenizer", "llama.model"));
        foreach (var sample in Samples(set))
            tokenizer.Encode(sample.Text).Should().Equal(sample.Base, "that is what SentencePiece gives for '{0}'", sample.Text);
    }

    [GoldenTheory]
    [InlineData("tricky")]
    [InlineData("texts")]
    public void Decode_ReferenceIds_GivesSentencePieceText(string set)
    {
        var tokenizer = LlamaTokenizer.Load(Golden.Path("tokenizer", "llama.model"));
        foreach (var sample in Samples(set)) tokenizer.Decode(sample.Base).Should().Be(sample.Decoded);
    }

    private static IEnumerable<Sample> Samples(string set)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("tokenizer", "expected.json")));
        foreach (var element in document.RootElement.GetProperty(set).EnumerateArray())
        {
            yield return new Sample(
                element.GetProperty("text").GetString()!,
                [.. element.GetProperty("base").EnumerateArray().Select(id => id.GetInt32())],
                element.GetProperty("decoded").GetString()!);
        }
    }

    private sealed record Sample(string Text, int[] Base, string Decoded);
}
