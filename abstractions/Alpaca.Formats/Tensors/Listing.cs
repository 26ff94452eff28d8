namespace Alpaca.Formats;

/// <summary>Lists in error messages: complete while they are short, then the beginning and a count.</summary>
public static class Listing
{
    private const int Shown = 8;

    /// <summary>Joins the items.</summary>
    /// <param name="items">What to list.</param>
    /// <param name="separator">What to put between them. The default is a comma.</param>
    public static string Of(IReadOnlyList<string> items, string separator = ", ")
    {
        ArgumentNullException.ThrowIfNull(items);
        return items.Count <= Shown ? string.Join(separator, items) : $"{string.Join(separator, items.Take(Shown))}{separator}and {items.Count - Shown} more";
    }
}
