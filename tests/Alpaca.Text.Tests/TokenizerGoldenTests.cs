using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Alpaca.Text.Tests;

/// <summary>The published tokenizers against SentencePiece 0.1.97, text by text. (The documented texts of the merged one are compared where it is made, in Alpaca.Tokenizers.Tests.)</summary>
public sealed class TokenizerGoldenTests
{
    [GoldenTheory]
    [InlineData("tricky")]
    [InlineData("texts")]
    public void Encode_ReferenceTextsWithMergedModel_GivesSentencePieceIds(string set)
    {
        var tokenizer = LlamaTokenizer.Create(GoldenModels.Merged);
        tokenizer.VocabularySize.Should().Be(49_953);
        foreach (var sample in Samples(set))
        {
            tokenizer.Encode(sample.Text).Should().Equal(sample.Merged, "that is what SentencePiece gives for '{0}'", sample.Text);
            tokenizer.Decode(sample.Merged).Should().Be(sample.Decoded);
        }
    }

    [GoldenTheory]
    [InlineData("白日依山尽，黄河入海流。欲穷千里目，更上一层楼。", 37, 21)]
    [InlineData("人工智能是计算机科学、心理学、哲学等学科融合的交叉学科。", 35, 16)]
    public void CountTokens_PublishedExamples_GivesThePublishedCounts(string text, int llama, int merged)
    {
        LlamaTokenizer.Create(GoldenModels.Llama).CountTokens(text).Should().Be(llama);
        LlamaTokenizer.Create(GoldenModels.Merged).CountTokens(text).Should().Be(merged);
    }

    [GoldenTheory]
    [InlineData(nameof(GoldenModels.Llama), 79_583, "bc6a6fcd79351bd883808519bcd0520f6db21ad6cb762ab056b263301f68f7a2")]
    [InlineData(nameof(GoldenModels.Merged), 36_337, "d58926589ee44ccbdd14e6cad58ba1ec8ef694372cbc13637b840d20afc18baf")]
    public void Encode_EveryAddedPiece_GivesThePublishedDigest(string model, int tokens, string digest)
    {
        var lines = GoldenModels.Merged.Pieces.Skip(32_000).Select(piece => piece.Text.Replace('▁', ' ').Trim()).ToList();
        Digest(lines).Should().Be("794a719bd60a237f2e4a762f6b0a542faeadb66b284f45c333be40c32d1396de", "that is the published list of pieces");
        var tokenizer = LlamaTokenizer.Create(GoldenModels.Load(model));
        var ids = lines.Select(line => tokenizer.Encode(line)).ToList();
        ids.Sum(line => line.Count).Should().Be(tokens);
        Digest(ids.Select(line => string.Join(' ', line))).Should().Be(digest);

        static string Digest(IEnumerable<string> lines) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")))));
    }

    [GoldenFact]
    public void Decode_DocumentedIds_GivesSentencePieceText()
    {
        var tokenizer = LlamaTokenizer.Create(GoldenModels.Merged);
        foreach (var (ids, text) in new (int[], string)[]
        {
            ([243], "\ufffd"), ([243, 162], "\ufffd\ufffd"), ([243, 162, 155], "\ufffd\ufffd\ufffd"), ([243, 162, 155, 131], "😀"), ([29871, 243, 162, 155, 131], "😀"),
            ([32002, 233], "中国\ufffd"), ([1, 32002], "中国"), ([2], ""), ([0], " \u2047 "),
        })
            tokenizer.Decode(ids).Should().Be(text, "ids {0}", string.Join(' ', ids));
    }

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
                Ids(element.GetProperty("base")),
                Ids(element.GetProperty("merged")),
                element.GetProperty("decoded").GetString()!);
        }
    }

    private static int[] Ids(JsonElement ids) => [.. ids.EnumerateArray().Select(id => id.GetInt32())];

    private sealed record Sample(string Text, int[] Base, int[] Merged, string Decoded);
}
