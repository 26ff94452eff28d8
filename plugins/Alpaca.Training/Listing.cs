namespace Alpaca.Training;

/// <summary>Lists in messages.</summary>
internal static class Listing
{
    private const int Shown = 5;

    /// <summary>The first few entries, and how many more there are.</summary>
    public static string Of(IReadOnlyCollection<string> entries)
        => string.Join("; ", entries.Take(Shown)) + (entries.Count > Shown ? $"; and {entries.Count - Shown} more" : "");
}
