using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class UnigramTokenizerTests
{
    private static readonly byte[] ModelBytes = File.ReadAllBytes(Fixture.Path("unigram.model"));

    [Theory]
    [InlineData("  the   sea  ", "the sea")]
    [InlineData("Ａ，", "A,")]
    [InlineData("㍿", "株式会社")]
    [InlineData("the\u2028sea", "the   sea")] // what one character becomes is not folded
    [InlineData("the\u200b\ufeff", "the")]
    [InlineData("\u2028 \u200b ", "")]
    [InlineData("", "")]
    public void Decode_OfEncode_IsTheNormalizedText(string text, string normalized)
    {
        // With byte fallback, so that normalised characters without a piece come back.
        var model = SentencePieceModel.Parse(ModelBytes, "unigram.model");
        var bytes = Enumerable.Range(0, 256).Select(value => new SentencePiece($"<0x{value:X2}>", 0, SentencePieceType.Byte));
        var withBytes = SentencePieceModel.Parse([.. model.Append([.. bytes]).ToByteArray(), .. ByteFallback], "unigram.model");
        var tokenizer = UnigramTokenizer.Create(withBytes);
        tokenizer.Decode(tokenizer.Encode(text)).Should().Be(normalized);
    }

    [Fact]
    public void Encode_RunOfUnknownCharacters_IsOneToken()
    {
        var tokenizer = TokenizerKind.Load("unigram");
        var tokens = tokenizer.EncodeToTokens("the 한국어 sea", out _);
        tokens.Count(token => token.Id == tokenizer.UnkId).Should().Be(1);
        tokens.Single(token => token.Id == tokenizer.UnkId).Offset.Should().Be(4..7);
    }

    [Fact]
    public void Encode_CharacterThatBecomesSeveral_BelongsToTheLastOfThem()
        => TokenizerKind.Load("unigram").EncodeToTokens("a\u2028the", out _).Select(token => token.Offset).Should().Equal(0..1, 1..1, 1..1, 1..5);

    [Fact]
    public void Load_DamagedModel_ThrowsNothingElse()
    {
        var random = new Random(11);
        for (var run = 0; run < 1_500; run++)
        {
            var damaged = ModelBytes.ToArray();
            // Most of them in the settings at the end, where the character map is.
            for (var n = 0; n < 3; n++) damaged[run % 3 == 0 ? random.Next(damaged.Length) : damaged.Length - 1 - random.Next(900)] = (byte)random.Next(256);
            try
            {
                UnigramTokenizer.Create(SentencePieceModel.Parse(damaged, "damaged.model")).Encode("Ａ，㍿ e\u0301 \u2028the sea 学习 <sep> 😀\u200b");
            }
            catch (AlpacaException e)
            {
                e.Message.Should().StartWith("damaged.model");
            }
        }
    }

    // trainer_spec { byte_fallback: true }; a second message of a field is merged into the first.
    private static byte[] ByteFallback => [0x12, 0x03, 0x98, 0x02, 0x01];
}
