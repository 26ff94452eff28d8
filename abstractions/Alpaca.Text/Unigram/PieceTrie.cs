namespace Alpaca.Text;

/// <summary>Pieces by their UTF-8 bytes. The children of a node lie side by side, their labels in one array, so that a step is a search through a few bytes.</summary>
internal sealed class PieceTrie
{
    /// <summary>No node, or no piece.</summary>
    public const int None = -1;

    /// <summary>Where every text begins.</summary>
    public const int Root = 0;

    private readonly byte[] _labels;
    private readonly int[] _firstChild; // of node n up to that of node n + 1
    private readonly int[] _values;

    /// <param name="pieces">Different texts with what each stands for.</param>
    public PieceTrie(IEnumerable<(byte[] Bytes, int Value)> pieces)
    {
        var sorted = pieces.ToArray();
        Array.Sort(sorted, (a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes));
        var (labels, firstChild, values) = (new List<byte> { 0 }, new List<int>(), new List<int> { None });
        // Level by level, so that children of one node are numbered in a row: a node is a range of pieces with the same first bytes.
        var level = new List<(int First, int Count)> { (0, sorted.Length) };
        for (var depth = 0; level.Count > 0; depth++)
        {
            var next = new List<(int, int)>();
            foreach (var (first, count) in level)
            {
                firstChild.Add(labels.Count);
                var position = first;
                if (count > 0 && sorted[position].Bytes.Length == depth) values[firstChild.Count - 1] = sorted[position++].Value;
                while (position < first + count)
                {
                    var (begin, label) = (position, sorted[position].Bytes[depth]);
                    while (position < first + count && sorted[position].Bytes[depth] == label) position++;
                    labels.Add(label);
                    values.Add(None);
                    next.Add((begin, position - begin));
                }
            }
            level = next;
        }
        firstChild.Add(labels.Count);
        (_labels, _firstChild, _values) = ([.. labels], [.. firstChild], [.. values]);
    }

    /// <summary>The node after one more byte, or <see cref="None"/>.</summary>
    public int Step(int node, byte label)
    {
        var first = _firstChild[node];
        var index = _labels.AsSpan(first, _firstChild[node + 1] - first).IndexOf(label);
        return index < 0 ? None : first + index;
    }

    /// <summary>What stands for the piece that ends at a node, or <see cref="None"/>.</summary>
    public int ValueAt(int node) => _values[node];

    /// <summary>The length of the longest piece at the beginning of a text, or 0.</summary>
    public int MatchLongest(ReadOnlySpan<byte> text)
    {
        var (longest, node) = (0, Root);
        for (var i = 0; i < text.Length && (node = Step(node, text[i])) != None; i++)
        {
            if (_values[node] != None) longest = i + 1;
        }
        return longest;
    }
}
