using System.Text;

namespace Alpaca.Host;

/// <summary>Finds texts that end an answer in a stream of pieces, wherever the pieces are cut.</summary>
/// <param name="texts">The texts; none of them is given out.</param>
internal sealed class StopStrings(IReadOnlyList<string> texts)
{
    private readonly StringBuilder _held = new();

    /// <summary>Whether one of the texts has occurred.</summary>
    public bool Found { get; private set; }

    /// <summary>Takes the next piece.</summary>
    /// <returns>What cannot be the beginning of a stop text any more.</returns>
    public string Append(string piece)
    {
        if (Found) return "";
        _held.Append(piece);
        var held = _held.ToString();
        var found = texts.Select(t => held.IndexOf(t, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(-1).Min();
        Found = found >= 0;
        var safe = Found ? found : held.Length - texts.Select(t => Overlap(held, t)).DefaultIfEmpty(0).Max();
        _held.Clear();
        if (!Found) _held.Append(held, safe, held.Length - safe);
        return held[..safe];
    }

    /// <summary>What was held back, once it is certain that nothing follows.</summary>
    public string Flush()
    {
        var held = _held.ToString();
        _held.Clear();
        return held;
    }

    /// <summary>The length of the longest end of a text that is a beginning of a stop text.</summary>
    private static int Overlap(string held, string stop)
    {
        for (var length = Math.Min(held.Length, stop.Length - 1); length > 0; length--)
        {
            if (held.EndsWith(stop[..length], StringComparison.Ordinal)) return length;
        }

        return 0;
    }
}
