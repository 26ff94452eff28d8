namespace Alpaca.Host;

/// <summary>Guesses what a mistyped name was meant to be.</summary>
internal static class NearestName
{
    /// <summary><c>; did you mean X?</c> for the known name with the fewest edits, or nothing when none is near.</summary>
    public static string Suggest(string name, IEnumerable<string> known) => Find(name, known) is { } nearest ? $"; did you mean {nearest}?" : "";

    /// <summary>The known name that is at most a third of its letters away, or <see langword="null"/>.</summary>
    public static string? Find(string name, IEnumerable<string> known)
        => known.Select(k => (Name: k, Distance: Distance(name.ToUpperInvariant(), k.ToUpperInvariant())))
            .Where(c => c.Distance <= Math.Max(1, Math.Max(name.Length, c.Name.Length) / 3))
            .OrderBy(c => c.Distance).Select(c => c.Name).FirstOrDefault();

    /// <summary>Levenshtein's distance: insertions, deletions and replacements.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[b.Length];
    }
}
