using System.Runtime.InteropServices;

namespace Alpaca.Text;

/// <summary>Orders merges of equal score so that, applied one rank after the other, they come as close as an order can to taking the leftmost first.</summary>
/// <remarks>
/// <para>Where x y z may merge to xy z or to x yz, the leftmost is xy; so merges that end with y go before merges that begin with y. These demands have cycles
/// (ab before ba before ab), so the order breaks those that weigh least: a weighted feedback arc set. It starts with the merges that are demanded before others more than
/// after, then moves each merge to its best place until nothing improves.</para>
/// <para>The result depends on nothing but the merges and the weights.</para>
/// </remarks>
internal static class LeftmostOrder
{
    private const int MaxPasses = 12;
    private const double DecisiveWeight = 1e3;

    /// <summary>Arranges merges in place.</summary>
    /// <param name="merges">Merges whose results have the same score.</param>
    /// <param name="frequencyOf">How often a piece is expected in text, from 0 to 1.</param>
    /// <param name="isDecisive">Whether the first merge must go before the second for some piece to come out at all, which outweighs everything else.</param>
    /// <returns>How many demands there are, and how many the order breaks.</returns>
    public static (long Demands, long Broken) Arrange(Span<PieceMerge> merges, Func<int, double> frequencyOf, Func<PieceMerge, PieceMerge, bool> isDecisive)
    {
        var demands = Demands(merges, frequencyOf, isDecisive);
        if (demands.Count == 0) return (0, 0);

        var (starts, edges) = ByNode(demands, merges.Length);
        var order = Enumerable.Range(0, merges.Length).ToArray();
        var balance = new double[merges.Length];
        foreach (var (before, after, weight) in demands) (balance[before], balance[after]) = (balance[before] + weight, balance[after] - weight);
        Array.Sort(order, (a, b) => balance[b].CompareTo(balance[a]) is not 0 and var sign ? sign : a.CompareTo(b));
        Improve(order, starts, edges);

        var place = Places(order);
        var arranged = new PieceMerge[merges.Length];
        for (var i = 0; i < order.Length; i++) arranged[i] = merges[order[i]];
        arranged.CopyTo(merges);
        return (demands.Count, demands.LongCount(demand => place[demand.Before] > place[demand.After]));
    }

    private static List<Demand> Demands(ReadOnlySpan<PieceMerge> merges, Func<int, double> frequencyOf, Func<PieceMerge, PieceMerge, bool> isDecisive)
    {
        var endingWith = new Dictionary<int, List<int>>();
        for (var i = 0; i < merges.Length; i++)
        {
            ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(endingWith, merges[i].Right, out _);
            (list ??= []).Add(i);
        }
        var demands = new List<Demand>();
        for (var after = 0; after < merges.Length; after++)
        {
            if (!endingWith.TryGetValue(merges[after].Left, out var befores)) continue;
            foreach (var before in befores)
            {
                // The chance to meet x y z: that of xy, times that of z after y.
                if (before == after) continue;
                var weight = frequencyOf(merges[before].Result) * frequencyOf(merges[after].Result) / frequencyOf(merges[after].Left);
                demands.Add(new Demand(before, after, isDecisive(merges[before], merges[after]) ? weight + DecisiveWeight : weight));
            }
        }
        return demands;
    }

    // A node's edges: the other node, and the weight, positive where the other must come after.
    private static (int[] Starts, (int Other, double Weight)[] Edges) ByNode(List<Demand> demands, int nodes)
    {
        var starts = new int[nodes + 1];
        foreach (var (before, after, _) in demands)
        {
            starts[before + 1]++;
            starts[after + 1]++;
        }
        for (var i = 0; i < nodes; i++) starts[i + 1] += starts[i];
        var edges = new (int Other, double Weight)[demands.Count * 2];
        var next = starts[..nodes];
        foreach (var (before, after, weight) in demands)
        {
            edges[next[before]++] = (after, weight);
            edges[next[after]++] = (before, -weight);
        }
        return (starts, edges);
    }

    private static void Improve(int[] order, int[] starts, (int Other, double Weight)[] edges)
    {
        var place = Places(order);
        var neighbours = new List<(int Place, double Weight)>();
        var improved = true;
        for (var pass = 0; pass < MaxPasses && improved; pass++)
        {
            improved = false;
            for (var node = 0; node < order.Length; node++)
            {
                var at = place[node];
                neighbours.Clear();
                foreach (var (other, weight) in edges.AsSpan(starts[node]..starts[node + 1])) neighbours.Add((place[other], weight));
                neighbours.Sort(static (a, b) => a.Place.CompareTo(b.Place));

                // What is gained by standing behind each neighbour, against standing before all of them.
                var (gain, best, bestGain, here) = (0.0, -1, 0.0, 0.0);
                for (var i = 0; i < neighbours.Count; i++)
                {
                    gain -= neighbours[i].Weight;
                    if (neighbours[i].Place < at) here = gain;
                    if (gain > bestGain) (best, bestGain) = (i, gain);
                }
                if (bestGain <= here * (1 + 1e-9) + 1e-300) continue;
                Move(order, place, at, best < 0 ? 0 : neighbours[best].Place + 1);
                improved = true;
            }
        }
    }

    // "to" is the index before which the node goes, counted while it still stands at its old place.
    private static void Move(int[] order, int[] place, int from, int to)
    {
        var node = order[from];
        if (to > from) to--;
        if (to > from) Array.Copy(order, from + 1, order, from, to - from);
        else Array.Copy(order, to, order, to + 1, from - to);
        order[to] = node;
        for (var i = Math.Min(from, to); i <= Math.Max(from, to); i++) place[order[i]] = i;
    }

    private static int[] Places(int[] order)
    {
        var place = new int[order.Length];
        for (var i = 0; i < order.Length; i++) place[order[i]] = i;
        return place;
    }

    private readonly record struct Demand(int Before, int After, double Weight);
}
