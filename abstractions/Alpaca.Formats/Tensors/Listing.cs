namespace Alpaca.Formats;

/// <summary>Lists in error messages: complete while they are short, then the beginning and a count.</summary>
internal static class Listing
{
    private const int Shown = 8;

    public static string Of(IReadOnlyList<string> items, string separator = ", ") => items.Count <= Shown
        ? string.Join(separator, items)
        : $"{string.Join(separator, items.Take(Shown))}{separator}and {items.Count - Shown} more";
}
