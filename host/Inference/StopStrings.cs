using System.Text;

namespace Alpaca.Host;

/// <summary>Finds texts that end an answer in a stream of pieces, wherever the pieces are cut; in time that grows with the answer's length alone.</summary>
/// <param name="texts">The texts; none of them is given out, nor its beginning once it is complete. Empty ones never occur.</param>
internal sealed class StopStrings(IReadOnlyList<string> texts)
{
    private readonly StopString[] _stops = [.. texts.Where(text => text.Length > 0).Distinct().Select(text => new StopString(text))];
    private readonly StringBuilder _held = new(); // the longest beginning of a stop text at the end of the stream

    /// <summary>Whether one of the texts has occurred. The first one to be complete counts, of several at once the longest.</summary>
    public bool Found { get; private set; }

    /// <summary>Takes the next piece.</summary>
    /// <returns>What cannot be the beginning of a stop text any more.</returns>
    public string Append(string piece)
    {
        if (Found) return "";
        if (_stops.Length == 0) return piece;
        for (var i = 0; i < piece.Length; i++)
        {
            var longest = 0;
            foreach (var stop in _stops)
            {
                if (stop.Append(piece[i])) longest = Math.Max(longest, stop.Length);
            }

            if (longest == 0) continue;
            Found = true;
            _held.Append(piece, 0, i + 1);
            return Give(_held.Length - longest, rest: 0);
        }

        _held.Append(piece);
        var matched = 0;
        foreach (var stop in _stops) matched = Math.Max(matched, stop.Matched);
        return Give(_held.Length - matched, rest: matched);
    }

    /// <summary>What was held back, once it is certain that nothing follows.</summary>
    public string Flush() => Give(_held.Length, rest: 0);

    private string Give(int length, int rest)
    {
        var given = _held.ToString(0, length);
        if (rest == 0) _held.Clear();
        else _held.Remove(0, length);
        return given;
    }

    /// <summary>One text, looked for as Knuth, Morris and Pratt do: no character is looked at twice.</summary>
    private sealed class StopString
    {
        private readonly string _text;
        private readonly int[] _borders; // for each beginning of the text, the longest shorter one that is also its end

        public StopString(string text)
        {
            _text = text;
            _borders = new int[text.Length + 1];
            for (int i = 1, border = 0; i < text.Length; i++)
            {
                while (border > 0 && text[border] != text[i]) border = _borders[border];
                if (text[border] == text[i]) border++;
                _borders[i + 1] = border;
            }
        }

        public int Length => _text.Length;

        /// <summary>The length of the longest beginning of the text with which the stream ends.</summary>
        public int Matched { get; private set; }

        /// <summary>Takes a character.</summary>
        /// <returns>Whether the text is complete.</returns>
        public bool Append(char character)
        {
            if (Matched == _text.Length) Matched = _borders[Matched];
            while (Matched > 0 && _text[Matched] != character) Matched = _borders[Matched];
            if (_text[Matched] == character) Matched++;
            return Matched == _text.Length;
        }
    }
}
