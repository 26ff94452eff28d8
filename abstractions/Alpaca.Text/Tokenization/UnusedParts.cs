namespace Alpaca.Text;

/// <summary>What pieces marked unused were last put together from, anywhere in a text: that is how SentencePiece takes them apart again.</summary>
/// <param name="isUnused">For each piece whether it is marked so.</param>
internal sealed class UnusedParts(bool[] isUnused)
{
    private readonly Dictionary<int, (int Left, int Right)> _parts = [];

    /// <summary>Takes note that two symbols may merge into another.</summary>
    public void Record(int merged, int left, int right)
    {
        if (isUnused[merged]) _parts[merged] = (left, right);
    }

    /// <summary>The two symbols to write instead of a symbol, if it is an unused piece that was merged.</summary>
    public bool TryGet(int symbol, out (int Left, int Right) parts)
    {
        parts = default;
        return symbol >= 0 && symbol < isUnused.Length && isUnused[symbol] && _parts.TryGetValue(symbol, out parts);
    }
}
