using System.Globalization;

namespace Alpaca.Formats;

/// <summary>Texts from files as messages show them: on one line, without what a terminal would obey, and not too long.</summary>
internal static class Printable
{
    /// <summary>The text itself where it is harmless.</summary>
    /// <param name="text">The text.</param>
    /// <param name="most">How many characters to show.</param>
    public static string Of(string text, int most = 100)
    {
        var cut = text.Length <= most ? text : text[..(most - 3)] + "...";
        return cut.Any(IsHidden) ? string.Concat(cut.Select(c => IsHidden(c) ? '?' : c)) : cut;
    }

    private static bool IsHidden(char c) => char.GetUnicodeCategory(c) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
