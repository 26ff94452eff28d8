using FsCheck;
using FsCheck.Xunit;

namespace Alpaca.Host.Tests;

public sealed class StopStringsTests
{
    /// <summary>However a text is cut into pieces, what comes out is the text up to the first stop text.</summary>
    [Property]
    public void Append_AnyCuts_GivesTheTextUpToTheFirstStopText(NonEmptyArray<byte> letters, byte[] cuts)
    {
        ArgumentNullException.ThrowIfNull(letters);
        ArgumentNullException.ThrowIfNull(cuts);
        string[] stops = ["aba", "bb", "caac"];
        var text = string.Concat(letters.Get.Select(l => (char)('a' + l % 3)));
        var stream = new StopStrings(stops);

        var given = "";
        var at = 0;
        foreach (var cut in cuts.Select(c => c % 4))
        {
            var end = Math.Min(text.Length, at + cut);
            given += stream.Append(text[at..end]);
            at = end;
        }

        given += stream.Append(text[at..]) + stream.Flush();

        given.Should().Be(Expected(text, stops));
    }

    /// <summary>The first stop text to be complete ends the text, character by character.</summary>
    private static string Expected(string text, string[] stops)
    {
        for (var length = 1; length <= text.Length; length++)
        {
            if (stops.Where(s => text[..length].EndsWith(s, StringComparison.Ordinal)).Select(s => length - s.Length).DefaultIfEmpty(-1).Min() is >= 0 and var start) return text[..start];
        }

        return text;
    }
}
