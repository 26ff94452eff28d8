namespace Alpaca.Text;

/// <summary>Finds user-defined pieces, which are always kept whole; the longest at a place wins.</summary>
internal sealed class UserDefinedPieces
{
    private readonly Dictionary<char, (string Text, int Id)[]> _byFirstChar;

    public UserDefinedPieces(IEnumerable<(string Text, int Id)> pieces)
        => _byFirstChar = pieces.GroupBy(piece => piece.Text[0]).ToDictionary(
            group => group.Key, group => group.OrderByDescending(piece => piece.Text.Length).ToArray());

    public bool IsEmpty => _byFirstChar.Count == 0;

    /// <summary>The UTF-16 code units that pieces begin with.</summary>
    public IReadOnlyCollection<char> FirstChars => _byFirstChar.Keys;

    /// <summary>The piece that the escaped text has at a place.</summary>
    /// <param name="text">The text before its spaces are escaped.</param>
    /// <param name="position">An index into it; -1 is the space mark put before it.</param>
    /// <param name="id">The piece's id.</param>
    /// <param name="length">Its length in UTF-16 code units, or 0.</param>
    public bool TryMatch(ReadOnlySpan<char> text, int position, out int id, out int length)
    {
        if (_byFirstChar.TryGetValue(At(text, position), out var candidates))
        {
            foreach (var candidate in candidates)
            {
                if (!IsAt(text, position, candidate.Text)) continue;
                (id, length) = (candidate.Id, candidate.Text.Length);
                return true;
            }
        }
        (id, length) = (0, 0);
        return false;
    }

    private static bool IsAt(ReadOnlySpan<char> text, int position, string piece)
    {
        if (piece.Length > text.Length - position) return false;
        for (var i = 0; i < piece.Length; i++)
        {
            if (At(text, position + i) != piece[i]) return false;
        }
        return true;
    }

    private static char At(ReadOnlySpan<char> text, int position) => position < 0 || text[position] == ' ' ? Vocabulary.Space : text[position];
}
