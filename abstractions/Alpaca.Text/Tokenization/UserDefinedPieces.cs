namespace Alpaca.Text;

/// <summary>Finds user-defined pieces, which are always kept whole; the longest at a place wins.</summary>
internal sealed class UserDefinedPieces
{
    // In ordinal order, so that those which agree with the text so far lie side by side.
    private readonly (string Text, int Id)[] _sorted;

    public UserDefinedPieces(IEnumerable<(string Text, int Id)> pieces)
    {
        _sorted = [.. pieces];
        Array.Sort(_sorted, static (a, b) => string.CompareOrdinal(a.Text, b.Text));
    }

    public bool IsEmpty => _sorted.Length == 0;

    /// <summary>The UTF-16 code units that pieces begin with.</summary>
    public IEnumerable<char> FirstChars => _sorted.Select(piece => piece.Text[0]).Distinct();

    /// <summary>The piece that the escaped text has at a place; found in the time of reading it, however many pieces begin alike.</summary>
    /// <param name="text">The text before its spaces are escaped.</param>
    /// <param name="position">An index into it; -1 is the space mark put before it.</param>
    /// <param name="id">The piece's id.</param>
    /// <param name="length">Its length in UTF-16 code units, or 0.</param>
    public bool TryMatch(ReadOnlySpan<char> text, int position, out int id, out int length)
    {
        (id, length) = (0, 0);
        var (start, end) = (0, _sorted.Length);
        for (var depth = 0; ; depth++)
        {
            if (start < end && _sorted[start].Text.Length == depth)
            {
                (id, length) = (_sorted[start].Id, depth);
                start++;
            }
            if (start == end || position + depth >= text.Length) return length > 0;
            var next = At(text, position + depth);
            start = FirstNotBelow(start, end, depth, next);
            end = FirstNotBelow(start, end, depth, next + 1);
        }
    }

    /// <summary>The first piece of a range whose code unit at a depth is not below a value.</summary>
    private int FirstNotBelow(int start, int end, int depth, int value)
    {
        while (start < end)
        {
            var middle = (start + end) / 2;
            if (_sorted[middle].Text[depth] < value) start = middle + 1;
            else end = middle;
        }
        return start;
    }

    private static char At(ReadOnlySpan<char> text, int position) => position < 0 || text[position] == ' ' ? Vocabulary.Space : text[position];
}
