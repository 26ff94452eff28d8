using System.Globalization;

namespace Alpaca.Formats;

/// <summary>Texts from files as messages show them: on one line, without what a terminal would obey, and not too long.</summary>
internal static class Printable
{
    private const int Most = 100;

    /// <summary>The text itself where it is harmless.</summary>
    public static string Of(string text)
    {
        var cut = text.Length <= Most ? text : text[..(Most - 3)] + "...";
        return cut.Any(IsHidden) ? string.Concat(cut.Select(c => IsHidden(c) ? '?' : c)) : cut;
    }

    private static bool IsHidden(char c) => char.GetUnicodeCategory(c) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
