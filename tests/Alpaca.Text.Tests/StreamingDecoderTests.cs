namespace Alpaca.Text.Tests;

public sealed class StreamingDecoderTests
{
    [Fact]
    public void Append_CharacterSpelledInBytes_AppearsWithItsLastByte()
    {
        var tokenizer = Fixture.Tokenizer("base");
        var decoder = new StreamingDecoder(tokenizer);
        var parts = tokenizer.Encode("the😀!").Select(decoder.Append).ToList();
        parts.Should().Equal("the", "", "", "", "😀", "!");
        decoder.Flush().Should().BeEmpty();
    }

    [Fact]
    public void Append_BytesThatAreNoCharacter_GivesOneReplacementEach()
    {
        var tokenizer = Fixture.Tokenizer("base");
        int Byte(int value) => tokenizer.Model.Pieces.TakeWhile(piece => piece.Text != $"<0x{value:X2}>").Count();
        var decoder = new StreamingDecoder(tokenizer);
        new[] { 0xF0, 0x9F, 0x41, 0xE4 }.Select(value => decoder.Append(Byte(value))).Should().Equal("", "", "\ufffd\ufffdA", "");
        decoder.Flush().Should().Be("\ufffd", "the text ends in the middle of a character");
        decoder.Flush().Should().BeEmpty();
    }

    [Theory]
    [InlineData("base")]
    [InlineData("special")]
    [InlineData("unused")]
    public void Append_FixtureIds_GivesWhatSentencePieceGivesForAll(string model)
    {
        var tokenizer = Fixture.Tokenizer(model);
        var fixture = Fixture.Load(model);
        foreach (var (ids, text) in fixture.Decode.Select(sample => (sample.Ids, sample.Text)).Concat(fixture.Encode.Select(sample => (sample.Ids, sample.Decoded))))
        {
            var decoder = new StreamingDecoder(tokenizer);
            (string.Concat(ids.Select(decoder.Append)) + decoder.Flush()).Should().Be(text);
        }
    }
}
