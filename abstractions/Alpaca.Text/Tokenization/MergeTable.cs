using System.Numerics;
using System.Runtime.InteropServices;

namespace Alpaca.Text;

/// <summary>Which pairs of symbols merge into which piece, and in which order.</summary>
/// <remarks>
/// SentencePiece looks up the concatenated text of every candidate pair. Here all ways to put a piece together from two symbols are listed once, at load, so that
/// encoding compares integers only. Open addressing with linear probing, at most half full; a lookup is one multiplication and, most often, one cache line.
/// </remarks>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge itself; worse than every real rank. The encoder keeps six bits of a word for something else.</summary>
    public const int NoRank = (1 << 26) - 1;

    private readonly Entry[] _entries;
    private readonly int _shift;

    /// <param name="merges">
    /// Pairs of symbols with the merged symbol and the rank of that merge, lower first; or with <see cref="Merge.None"/>, which counts only if the pair is not listed
    /// otherwise. A pair may come several times.
    /// </param>
    public MergeTable(List<(int Left, int Right, Merge Merge)> merges)
    {
        var bits = Math.Max(4, BitOperations.Log2((uint)Math.Max(1, merges.Count)) + 2);
        _entries = new Entry[1 << bits];
        _shift = 64 - bits;
        Array.Fill(_entries, new Entry(Entry.Empty, default));
        foreach (var (left, right, merge) in merges)
        {
            var key = Key(left, right);
            var slot = Slot(key);
            while (_entries[slot].Key != Entry.Empty && _entries[slot].Key != key) slot = (slot + 1) & (_entries.Length - 1);
            if (_entries[slot].Key == Entry.Empty || merge != Merge.None) _entries[slot] = new Entry(key, merge);
        }
    }

    /// <summary>Finds what two neighbouring symbols merge into.</summary>
    /// <param name="left">A symbol; negative ones never merge.</param>
    /// <param name="right">The symbol after it.</param>
    /// <param name="merge">The merge, or <see cref="Merge.None"/>.</param>
    /// <returns>Whether the pair is listed.</returns>
    public bool TryGet(int left, int right, out Merge merge)
    {
        if ((left | right) >= 0)
        {
            var (key, entries) = (Key(left, right), _entries);
            for (var slot = Slot(key); ; slot++)
            {
                ref readonly var entry = ref entries[slot & (entries.Length - 1)];
                if (entry.Key == key)
                {
                    merge = entry.Merge;
                    return true;
                }
                if (entry.Key == Entry.Empty) break;
            }
        }
        merge = Merge.None;
        return false;
    }

    private static ulong Key(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    private int Slot(ulong key) => (int)(key * 0x9E37_79B9_7F4A_7C15 >> _shift);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Entry(ulong Key, Merge Merge)
    {
        public const ulong Empty = ulong.MaxValue;
    }
}

/// <summary>What a pair becomes.</summary>
/// <param name="Symbol">The merged symbol, or -1.</param>
/// <param name="Rank">When: the pair with the lowest rank in the text merges first, the leftmost of equals.</param>
internal readonly record struct Merge(int Symbol, int Rank)
{
    public static Merge None => new(-1, MergeTable.NoRank);
}
