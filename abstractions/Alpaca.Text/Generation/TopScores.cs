using System.Numerics;
using System.Runtime.InteropServices;

namespace Alpaca.Text;

/// <summary>Finds the largest of many scores, in about one pass over them and without allocating.</summary>
internal sealed class TopScores
{
    // An id with its score, packed so that their order as numbers is: larger scores first, of equals the lower id first.
    private ulong[] _entries = [];
    private int[] _ids = [];

    /// <summary>The ids whose score is at least the k-th largest, so more than k where several share it; those of -∞ are left out.</summary>
    /// <param name="scores">The scores; no NaN.</param>
    /// <param name="k">At least 1.</param>
    /// <returns>Ids, best first and of equals the lower first; valid until the next call.</returns>
    public ReadOnlySpan<int> Take(ReadOnlySpan<float> scores, int k)
    {
        var count = KeepBest(scores, Collect(scores, k), k);
        if (_ids.Length < count) _ids = new int[_entries.Length];
        for (var i = 0; i < count; i++) _ids[i] = (int)(uint)_entries[i];
        return _ids.AsSpan(0, count);
    }

    /// <summary>Gathers all that could be among the best, with the k-th best so far as a threshold that rises.</summary>
    private int Collect(ReadOnlySpan<float> scores, int k)
    {
        var limit = Math.Min(scores.Length, 4 * (long)k + 64); // entries at which the threshold is raised
        var threshold = float.MinValue; // passes over -∞
        var count = 0;
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(scores);
        for (var v = 0; v < vectors.Length; v++)
        {
            if (!Vector.GreaterThanOrEqualAny(vectors[v], new Vector<float>(threshold))) continue;
            Add(scores, v * Vector<float>.Count, (v + 1) * Vector<float>.Count, threshold, ref count);
            if (count < limit) continue;
            count = KeepBest(scores, count, k);
            if (count >= k) threshold = scores[(int)(uint)_entries[k - 1]];
            limit = Math.Max(limit, 2L * count); // where many are equal
        }

        Add(scores, vectors.Length * Vector<float>.Count, scores.Length, threshold, ref count);
        return count;
    }

    private void Add(ReadOnlySpan<float> scores, int from, int to, float threshold, ref int count)
    {
        if (_entries.Length < count + to - from) Array.Resize(ref _entries, 2 * (count + to - from));
        for (var id = from; id < to; id++)
        {
            if (scores[id] >= threshold) _entries[count++] = Pack(scores[id], id);
        }
    }

    /// <summary>Sorts the entries and drops those behind the k-th and its equals.</summary>
    private int KeepBest(ReadOnlySpan<float> scores, int count, int k)
    {
        _entries.AsSpan(0, count).Sort();
        if (count <= k) return count;
        var last = scores[(int)(uint)_entries[k - 1]];
        var kept = k;
        while (kept < count && scores[(int)(uint)_entries[kept]] == last) kept++;
        return kept;
    }

    private static ulong Pack(float score, int id)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f); // -0 becomes 0, its equal
        var descending = (bits >> 31) != 0 ? bits : ~bits & 0x7FFFFFFF; // as an unsigned number it falls as the score rises
        return ((ulong)descending << 32) | (uint)id;
    }
}
