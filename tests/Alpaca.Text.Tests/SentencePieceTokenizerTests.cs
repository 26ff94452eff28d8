namespace Alpaca.Text.Tests;

/// <summary>Both kinds of SentencePiece models against what SentencePiece itself made of texts and ids.</summary>
public sealed class SentencePieceTokenizerTests
{
    public static TheoryData<string> Models { get; } = new("base", "special", "unused", "unigram", "unigram-bytes");

    [Theory]
    [MemberData(nameof(Models))]
    public void Encode_FixtureTexts_GivesSentencePieceIds(string model)
    {
        var tokenizer = TokenizerKind.Load(model);
        foreach (var sample in Fixture.Load(model).Encode)
        {
            tokenizer.Encode(sample.Text).Should().Equal(sample.Ids, "that is what SentencePiece gives for '{0}'", sample.Text);
            tokenizer.EncodeToIds(sample.Text).Should().Equal(sample.Ids);
            tokenizer.CountTokens(sample.Text).Should().Be(sample.Ids.Length);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void EncodeToTokens_FixtureTexts_GivesSentencePieceOffsets(string model)
    {
        var tokenizer = TokenizerKind.Load(model);
        // SentencePiece's offsets are off after a control symbol, whose text it does not count, and where the space mark before the text is part of a user-defined piece.
        foreach (var sample in Fixture.Load(model).Encode.Where(sample => model != "special" || !sample.Text.AsSpan().ContainsAny('☃', '▁')))
        {
            var tokens = tokenizer.EncodeToTokens(sample.Text, out var normalized);
            normalized.Should().BeNull();
            tokens.Select(token => token.Id).Should().Equal(sample.Ids);
            tokens.Select(token => (token.Offset.Start.Value, token.Offset.End.Value)).Should().Equal(sample.Spans.Select(span => (span[0], span[1])), "text '{0}'", sample.Text);
            tokens.Select(token => token.Value).Should().Equal(sample.Ids.Select(tokenizer.PieceOf));
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Decode_FixtureIds_GivesSentencePieceText(string model)
    {
        var tokenizer = TokenizerKind.Load(model);
        var fixture = Fixture.Load(model);
        foreach (var sample in fixture.Encode) tokenizer.Decode(sample.Ids).Should().Be(sample.Decoded);
        foreach (var sample in fixture.Decode) tokenizer.Decode(sample.Ids).Should().Be(sample.Text, "ids {0}", string.Join(' ', sample.Ids));
    }
}
