using System.Numerics;
using System.Runtime.InteropServices;

namespace Alpaca.Text;

/// <summary>Draws with top-p among all weights, without sorting them: a histogram tells in which buckets the threshold and the draw lie, and only these are sorted.</summary>
internal sealed class Nucleus
{
    // A bucket is a 64th of an octave: sign, exponent and the first 6 bits of the mantissa.
    private const int Shift = 17;
    private const int Last = 0x3F800000 >> Shift; // that of the weight 1

    private readonly double[] _sums = new double[Last + 1];
    private ulong[] _entries = [];

    /// <summary>Draws as from the list that falls from the largest weight on, of equals the lower id first, after top-p and min-p.</summary>
    /// <param name="weights">For each id a weight from 0 to 1, the largest 1; those of 0 are never drawn.</param>
    /// <param name="topP">The part of the sum at which the list is cut; the weight that crosses it stays.</param>
    /// <param name="minP">The least weight that stays.</param>
    /// <param name="random">From 0 to 1: where the draw lies in the sum of what stays.</param>
    /// <returns>The id.</returns>
    public int Draw(ReadOnlySpan<float> weights, double topP, float minP, double random)
    {
        var threshold = topP * Fill(weights);

        // The bucket in which the list is cut, and the sum of those above it.
        var (lowest, above) = (Last, 0.0);
        var leastBucket = BucketOf(minP);
        while (lowest > leastBucket && above + _sums[lowest] < threshold) above += _sums[lowest--];
        var entries = Sorted(weights, lowest);
        var (count, kept) = (0, 0.0);
        while (count < entries.Length && above + kept < threshold && WeightOf(entries[count]) >= minP) kept += WeightOf(entries[count++]);

        var draw = random * (above + kept);
        for (var bucket = Last; bucket > lowest; bucket--)
        {
            if (draw < _sums[bucket]) return Find(Sorted(weights, bucket), draw);
            draw -= _sums[bucket];
        }

        // Where rounding left a little of the draw and nothing of this bucket stays, it is the last one above.
        if (count > 0) return Find(entries[..count], draw);
        do lowest++;
        while (_sums[lowest] == 0);
        return Find(Sorted(weights, lowest), double.MaxValue);
    }

    private static int BucketOf(float weight) => Math.Min(BitConverter.SingleToInt32Bits(weight) >> Shift, Last);

    private static float WeightOf(ulong entry) => BitConverter.UInt32BitsToSingle(~(uint)(entry >> 32));

    private static int Find(ReadOnlySpan<ulong> entries, double draw)
    {
        foreach (var entry in entries)
        {
            draw -= WeightOf(entry);
            if (draw < 0) return (int)(uint)entry;
        }

        return (int)(uint)entries[^1]; // rounding left a little of the draw
    }

    /// <summary>Sums the weights by bucket.</summary>
    /// <returns>The sum of all.</returns>
    private double Fill(ReadOnlySpan<float> weights)
    {
        var sums = _sums;
        Array.Clear(sums);
        foreach (var weight in weights) sums[BucketOf(weight)] += weight;
        var total = 0.0;
        foreach (var sum in sums) total += sum;
        return total;
    }

    /// <summary>The weights of a bucket with their ids, the largest first and of equals the lower id; valid until the next call.</summary>
    private ReadOnlySpan<ulong> Sorted(ReadOnlySpan<float> weights, int bucket)
    {
        var low = bucket == 0 ? float.Epsilon : BitConverter.Int32BitsToSingle(bucket << Shift);
        var high = bucket == Last ? float.PositiveInfinity : BitConverter.Int32BitsToSingle((bucket + 1) << Shift);
        if (_entries.Length < weights.Length) _entries = new ulong[weights.Length];
        var (lows, highs) = (new Vector<float>(low), new Vector<float>(high));
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(weights);
        var count = 0;
        for (var v = 0; v < vectors.Length; v++)
        {
            var isInside = Vector.GreaterThanOrEqual(vectors[v], lows) & Vector.LessThan(vectors[v], highs);
            if (isInside != Vector<int>.Zero) Add(weights, v * Vector<float>.Count, (v + 1) * Vector<float>.Count);
        }

        Add(weights, vectors.Length * Vector<float>.Count, weights.Length);
        var entries = _entries.AsSpan(0, count);
        entries.Sort();
        return entries;

        void Add(ReadOnlySpan<float> weights, int from, int to)
        {
            for (var id = from; id < to; id++)
            {
                if (weights[id] >= low && weights[id] < high) _entries[count++] = ((ulong)~BitConverter.SingleToUInt32Bits(weights[id]) << 32) | (uint)id;
            }
        }
    }
}
