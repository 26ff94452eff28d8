namespace Alpaca.Text.Tests;

/// <summary>Texts that come token by token and end anywhere.</summary>
public sealed class StreamingDecoderCutsTests
{
    public static TheoryData<string> Kinds => TokenizerKind.Lossless;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Append_TenThousandTexts_GivesWholeCharactersThatMakeUpTheText(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var texts = new MixedText(seed: 11);
        var ends = new Random(12);
        for (var i = 0; i < 10_000; i++)
        {
            var text = texts.Next();
            var ids = tokenizer.Encode(text);
            var decoder = new StreamingDecoder(tokenizer);
            var end = ends.Next(2) == 0 ? ids.Count : ends.Next(ids.Count + 1);
            var streamed = "";
            for (var t = 0; t < end; t++)
            {
                var piece = decoder.Append(ids[t]);
                if (piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0]))) Assert.Fail($"half a character of '{text}'");
                streamed += piece;
            }

            // FluentAssertions are too slow for so many.
            if (streamed.Contains('\ufffd') || !text.StartsWith(streamed, StringComparison.Ordinal)) Assert.Fail($"'{streamed}' for '{text}'");
            if (end == ids.Count) Assert.Equal(text, streamed + decoder.Flush());
            else Assert.Equal(tokenizer.Decode(ids.Take(end)), streamed + decoder.Flush());
        }
    }
}
