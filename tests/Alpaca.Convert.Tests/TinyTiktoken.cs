using System.Text;

namespace Alpaca.Convert.Tests;

/// <summary>A small tiktoken vocabulary: all bytes, then the most frequent pairs of a text. Encodes by the ranks, as tiktoken does.</summary>
internal sealed class TinyTiktoken
{
    private readonly Dictionary<string, int> _ranks;

    private TinyTiktoken(List<byte[]> pieces)
    {
        Pieces = pieces;
        _ranks = pieces.Select((piece, rank) => (piece, rank)).ToDictionary(p => Key(p.piece), p => p.rank);
    }

    public IReadOnlyList<byte[]> Pieces { get; }

    public static TinyTiktoken Train(string text, int merges)
    {
        // Llama 3's single bytes are not in order either.
        List<byte[]> pieces = [.. Enumerable.Range(0, 256).Select(i => new[] { (byte)(i ^ 0x21) })];
        var words = text.Split(' ').Select(word => Encoding.UTF8.GetBytes(' ' + word).Select(b => new[] { b }).ToList()).ToList();
        for (var i = 0; i < merges; i++)
        {
            var union = words.SelectMany(word => word.Zip(word.Skip(1), (left, right) => (byte[])[.. left, .. right])).GroupBy(Key).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).First().First();
            pieces.Add(union);
            foreach (var word in words)
            {
                for (var at = 0; at + 1 < word.Count; at++)
                {
                    if (word[at].Concat(word[at + 1]).SequenceEqual(union))
                    {
                        word[at] = union;
                        word.RemoveAt(at + 1);
                    }
                }
            }
        }

        return new TinyTiktoken(pieces);
    }

    public string Write(string path)
    {
        File.WriteAllText(path, string.Concat(Pieces.Select((piece, rank) => $"{System.Convert.ToBase64String(piece)} {rank}\n")));
        return path;
    }

    /// <summary>The ids of one word: merge the pair whose union has the lowest rank, the leftmost of equals, until none has one.</summary>
    public IReadOnlyList<int> Encode(ReadOnlySpan<byte> word)
    {
        if (_ranks.TryGetValue(Key(word.ToArray()), out var whole))
        {
            return [whole];
        }

        List<byte[]> parts = [.. word.ToArray().Select(b => new[] { b })];
        while (true)
        {
            var best = Enumerable.Range(0, Math.Max(0, parts.Count - 1)).Select(i => (Rank: _ranks.GetValueOrDefault(Key([.. parts[i], .. parts[i + 1]]), int.MaxValue), i: i)).DefaultIfEmpty((Rank: int.MaxValue, i: 0)).Min();
            if (best.Rank == int.MaxValue)
            {
                return [.. parts.Select(part => _ranks[Key(part)])];
            }

            parts[best.i] = [.. parts[best.i], .. parts[best.i + 1]];
            parts.RemoveAt(best.i + 1);
        }
    }

    private static string Key(byte[] bytes) => Encoding.Latin1.GetString(bytes);
}
