using System.Globalization;
using System.Text;

namespace Alpaca.Host;

/// <summary>Cuts texts where a character ends.</summary>
internal static class WholeText
{
    private const char Ellipsis = '…';

    /// <summary>A text of at most so many characters (UTF-16 units); what is cut ends with an ellipsis.</summary>
    public static string Cut(string text, int length) => Cut(text, length, text.Length, piece => piece.Length);

    /// <summary>A text of at most so many bytes of UTF-8; what is cut ends with an ellipsis.</summary>
    public static string CutBytes(string text, int bytes) => Cut(text, bytes, Encoding.UTF8.GetByteCount(text), piece => Encoding.UTF8.GetByteCount(piece));

    private static string Cut(string text, int limit, int size, Func<ReadOnlySpan<char>, int> sizeOf)
    {
        if (size <= limit) return text;
        var (end, used) = (0, sizeOf([Ellipsis]));
        while (end < text.Length)
        {
            // What people take for one character may be several code points: an accent, a flag, a family.
            var next = StringInfo.GetNextTextElementLength(text, end);
            used += sizeOf(text.AsSpan(end, next));
            if (used > limit) break;
            end += next;
        }

        return $"{text.AsSpan(0, end)}{Ellipsis}";
    }
}
