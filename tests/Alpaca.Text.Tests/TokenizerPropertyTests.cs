using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Alpaca.Text.Tests;

[Properties(Arbitrary = [typeof(UnicodeText)])]
public sealed class TokenizerPropertyTests
{
    private static readonly LlamaTokenizer Base = Fixture.Tokenizer("base");

    [Property(MaxTest = 500)]
    public void Decode_OfEncode_IsTheText(UnicodeText text)
        => Base.Decode(Base.Encode(text.Value)).Should().Be(text.Value);

    [Property(MaxTest = 500)]
    public void StreamingDecoder_AnyIds_GivesWhatDecodeGives(PositiveInt[] numbers)
    {
        var ids = numbers.Select(number => number.Item * 7919 % Base.VocabularySize).ToArray();
        var decoder = new StreamingDecoder(Base);
        var parts = ids.Select(decoder.Append).ToList();
        (string.Concat(parts) + decoder.Flush()).Should().Be(Base.Decode(ids));
    }

    [Property(MaxTest = 500)]
    public void StreamingDecoder_EncodedText_NeverGivesPartOfACharacter(UnicodeText text)
    {
        var decoder = new StreamingDecoder(Base);
        var soFar = "";
        foreach (var part in Base.Encode(text.Value).Select(decoder.Append))
        {
            (part.Length == 0 || !(char.IsHighSurrogate(part[^1]) || char.IsLowSurrogate(part[0]))).Should().BeTrue("'{0}' would be half a character", part);
            soFar += part;
            text.Value.Should().StartWith(soFar, "no replacement character may stand for bytes whose rest is still to come");
        }
        decoder.Flush().Should().BeEmpty();
        soFar.Should().Be(text.Value);
    }

    [Property(MaxTest = 300)]
    public void EncodeToTokens_AnyText_OffsetsCoverItInOrder(UnicodeText text)
    {
        var end = 0;
        foreach (var token in Base.EncodeToTokens(text.Value, out _))
        {
            token.Offset.Start.Value.Should().Be(end);
            end = token.Offset.End.Value;
        }
        end.Should().Be(text.Value.Length);
    }

    /// <summary>The definition of the algorithm, word for word and slow: the segments and the agenda must not change its result.</summary>
    [Property(MaxTest = 500)]
    public void Encode_AnyText_IsWhatTheDefinitionGives(UnicodeText text)
        => Base.Encode(text.Value).Should().Equal(ReferenceBpe.Encode(Base.Model, text.Value));
}
