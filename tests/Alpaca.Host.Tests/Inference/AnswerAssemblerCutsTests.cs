using System.Text;
using Alpaca.Abstractions;
using Alpaca.Text.Tests;

namespace Alpaca.Host.Tests;

/// <summary>Answers of any characters that end anywhere, with any stop strings.</summary>
public sealed class AnswerAssemblerCutsTests
{
    public static TheoryData<string> Kinds => TokenizerKind.Lossless;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Append_TenThousandTexts_GivesWholeCharactersAndNothingOfAStopString(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var texts = new MixedText(seed: 21);
        var ends = new Random(22);
        var stopped = 0;
        for (var i = 0; i < 10_000; i++)
        {
            var text = texts.Next();
            var stops = texts.NextStops(text);
            var ids = tokenizer.Encode(text);
            var end = ends.Next(2) == 0 ? ids.Count : ends.Next(ids.Count + 1);
            // What the model has said in whole characters, and of that what comes before a stop string.
            var said = tokenizer.Decode(ids.Take(end)).TrimEnd('\ufffd');
            var expected = UpToStop(said, stops);

            var assembler = new AnswerAssembler(tokenizer, stops);
            var given = new StringBuilder();
            var bytes = new List<byte>();
            for (var t = 0; t < end && !assembler.IsStopped; t++) Take(assembler.Append(new GeneratedToken(ids[t], 0)));
            if (!assembler.IsStopped) Take(assembler.End());

            // FluentAssertions are too slow for so many.
            var isStopped = expected.Length < said.Length;
            if (given.ToString() != expected || assembler.IsStopped != isStopped) Assert.Fail($"'{given}' for '{text}' in {end} of {ids.Count} tokens with '{string.Join("', '", stops)}'");
            if (isStopped) stopped++;
            else if (end == ids.Count) Assert.Equal(text, Encoding.UTF8.GetString([.. bytes]));

            void Take(AnswerPiece? piece)
            {
                if (piece is null) return;
                given.Append(piece.Text);
                foreach (var token in piece.Tokens) bytes.AddRange(token.Bytes.Span);
                // At no time is there anything that would have to be taken back, or a token before its text.
                if (!expected.StartsWith(given.ToString(), StringComparison.Ordinal)) Assert.Fail($"'{given}' for '{text}' with '{string.Join("', '", stops)}'");
                if (piece.Text.Length > 0 && char.IsHighSurrogate(piece.Text[^1])) Assert.Fail($"half a character of '{text}'");
                if (end < ids.Count) return;
                if (!Encoding.UTF8.GetBytes(expected).AsSpan().StartsWith(bytes.ToArray())) Assert.Fail($"tokens before their text of '{text}' with '{string.Join("', '", stops)}'");
            }
        }

        stopped.Should().BeInRange(1_000, 9_000);
    }

    /// <summary>The first stop text to be complete ends the text, of several at once the longest.</summary>
    private static string UpToStop(string text, string[] stops)
    {
        var (start, end) = (text.Length, int.MaxValue);
        foreach (var stop in stops)
        {
            var at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at < 0 || at + stop.Length > end || (at + stop.Length == end && at > start)) continue;
            (start, end) = (at, at + stop.Length);
        }

        return text[..start];
    }
}
