using System.Globalization;
using System.Text;

namespace Alpaca.Text;

/// <summary>How Llama 3's tokenizer cuts a text into words before bytes are merged.</summary>
/// <remarks>
/// The alternatives of <see cref="Pattern"/>, in its order, tried by hand: .NET's regular expressions see halves of the characters beyond the basic plane, and so no letters
/// or digits among them.
/// </remarks>
public static class Llama3Words
{
    /// <summary>
    /// The regular expression that <c>tokenizer.json</c> names: contractions, words with a leading character, up to three digits, punctuation, line ends, blanks (Meta, tokenizer.py).
    /// </summary>
    public const string Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const int MaxDigits = 3;

    private enum Kind
    {
        Letter,
        Digit,
        Blank,
        Other,
    }

    /// <summary>The length of the first word.</summary>
    /// <param name="text">A text, not empty; unpaired surrogates count as U+FFFD.</param>
    /// <returns>In UTF-16 code units, at least 1.</returns>
    public static int FirstLength(ReadOnlySpan<char> text)
    {
        ArgumentOutOfRangeException.ThrowIfZero(text.Length);
        if (ContractionLength(text) is > 0 and var contraction) return contraction;
        var kind = KindAt(text, out var length);
        if (kind == Kind.Letter) return length + CountWhile(text[length..], Kind.Letter);
        if (kind == Kind.Digit) return length + CountWhile(text[length..], Kind.Digit, MaxDigits - 1);
        if (text[0] is not ('\r' or '\n') && CountWhile(text[length..], Kind.Letter) is > 0 and var letters) return length + letters;

        var punctuation = text[0] == ' ' ? CountWhile(text[1..], Kind.Other) is > 0 and var afterSpace ? 1 + afterSpace : 0 : CountWhile(text, Kind.Other);
        if (punctuation > 0)
        {
            var rest = text[punctuation..];
            return punctuation + (rest.IndexOfAnyExcept('\r', '\n') is >= 0 and var lineEnds ? lineEnds : rest.Length);
        }

        var blanks = CountWhile(text, Kind.Blank);
        if (text[..blanks].LastIndexOfAny('\r', '\n') is >= 0 and var lineEnd) return lineEnd + 1;
        // The last blank belongs to the word after it.
        return blanks == text.Length || blanks == 1 ? blanks : blanks - 1;
    }

    private static int ContractionLength(ReadOnlySpan<char> text)
    {
        if (text.Length < 2 || text[0] != '\'') return 0;
        // The long s is an s without regard to case; no other letter beyond ASCII is one of these.
        if (text[1] is 's' or 'S' or 'ſ' or 't' or 'T' or 'm' or 'M' or 'd' or 'D') return 2;
        if (text.Length < 3) return 0;
        return (text[1], text[2]) is ('r' or 'R' or 'v' or 'V', 'e' or 'E') or ('l' or 'L', 'l' or 'L') ? 3 : 0;
    }

    private static int CountWhile(ReadOnlySpan<char> text, Kind kind, int maxCharacters = int.MaxValue)
    {
        var position = 0;
        for (; position < text.Length && maxCharacters > 0 && KindAt(text[position..], out var length) == kind; maxCharacters--) position += length;
        return position;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, out int length)
    {
        Rune.DecodeFromUtf16(text, out var character, out length);
        return Rune.GetUnicodeCategory(character) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Digit,
            _ => Rune.IsWhiteSpace(character) ? Kind.Blank : Kind.Other,
        };
    }
}
