namespace Alpaca.Text;

/// <summary>The merges of byte-pair encoding that a tiktoken vocabulary implies.</summary>
/// <remarks>
/// tiktoken merges the pair whose union has the lowest rank, and so needs no list of merges; Hugging Face's tokenizers do. Every way to cut a piece in two pieces of the
/// vocabulary is a merge. They are ordered by the rank of the union, then of the left, then of the right part (transformers, <c>TikTokenConverter</c>).
/// </remarks>
public static class BpeMerges
{
    /// <summary>Derives the merges.</summary>
    /// <param name="pieces">The pieces, in the order of their ranks.</param>
    /// <returns>The two parts of each merge, in order.</returns>
    public static IReadOnlyList<(string Left, string Right)> Of(IReadOnlyList<string> pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        var ranks = new Dictionary<string, int>(pieces.Count, StringComparer.Ordinal);
        for (var rank = 0; rank < pieces.Count; rank++) ranks.Add(pieces[rank], rank);
        var byPart = ranks.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(string Left, string Right)>();
        var cuts = new List<(int Left, int Right)>();
        foreach (var piece in pieces)
        {
            cuts.Clear();
            for (var at = 1; at < piece.Length; at++)
            {
                if (byPart.TryGetValue(piece.AsSpan(0, at), out var left) && byPart.TryGetValue(piece.AsSpan(at), out var right)) cuts.Add((left, right));
            }
            cuts.Sort();
            merges.AddRange(cuts.Select(cut => (pieces[cut.Left], pieces[cut.Right])));
        }
        return merges;
    }
}
