using System.Text;

namespace Alpaca.Text;

/// <summary>The pieces that can be cut out of a text before anything is merged: what leftmost-first merging makes of the pieces with the highest score.</summary>
/// <remarks>
/// <para>Merges of one score are taken from the left. Reading a text from the left, a stack holds what is merged so far; a new character is merged with the top while the
/// two are a piece. The lowest entry changes only when the whole stack becomes one piece, which is decided by the characters read and nothing else. So the first token is the
/// longest piece the text begins with among those that come out whole when encoded alone (<see cref="Munched"/>), and so on behind it: merging by equal scores is
/// longest-match segmentation.</para>
/// <para>With the highest score this is all done before any other merge. A token of that segmentation may be cut out for good if nothing that comes later can merge with
/// it (<see cref="Isolated"/>). Hugging Face's byte-pair model has no equal ranks, but a pre-tokenizer can cut by a pattern: one that tries the longest piece first does the same.</para>
/// </remarks>
internal sealed class IsolatedPieces
{
    // Fewer alternatives are tried one after the other; more are halved by a look at the next character.
    private const int MaxAlternatives = 6;

    private readonly HashSet<string> _top;

    /// <param name="model">The model.</param>
    /// <param name="vocabulary">Its pieces by text.</param>
    public IsolatedPieces(SentencePieceModel model, Vocabulary vocabulary)
    {
        var textual = model.Pieces.Where(piece => piece.Type == SentencePieceType.Normal && IsLong(piece.Text)).ToList();
        var highest = textual.Count == 0 ? 0 : textual.Max(piece => piece.Score);
        _top = textual.Where(piece => piece.Score == highest).Select(piece => piece.Text).ToHashSet(StringComparer.Ordinal);
        Munched = _top.Where(ComesOutWhole).ToHashSet(StringComparer.Ordinal);

        var late = Late(textual, vocabulary);
        var joined = textual.SelectMany(piece => JoinedLater(piece.Text, late)).ToHashSet(StringComparer.Ordinal);
        Isolated = Munched.Where(piece => !joined.Contains(piece)).ToHashSet(StringComparer.Ordinal);
        KeepAligned();
    }

    /// <summary>The pieces of highest score that come out whole when encoded by themselves.</summary>
    public HashSet<string> Munched { get; }

    /// <summary>Those of <see cref="Munched"/> that nothing merges with once they are there.</summary>
    public HashSet<string> Isolated { get; }

    /// <summary>Where pieces come out only if one merge goes before another that overlaps it: the result of the first, the length of its right part, the result of the other.</summary>
    public IEnumerable<(string First, int Shared, string Second)> DecisiveOrders()
    {
        foreach (var piece in Munched)
        {
            var last = 0;
            foreach (var (start, end, merged) in Steps(piece))
            {
                // The right part of a merge is the token that was last before it.
                if (merged)
                {
                    foreach (var rest in PieceMerge.Cuts(piece).Append(piece.Length).Where(cut => cut > end))
                    {
                        if (_top.Contains(piece[last..rest])) yield return (piece[start..end], end - last, piece[last..rest]);
                    }
                }
                last = start;
            }
        }
    }

    /// <summary>The pattern that finds them in a text, the longest at each place; <see langword="null"/> if there are none. Oniguruma and JavaScript read it alike.</summary>
    public string? Pattern()
    {
        if (Isolated.Count == 0) return null;
        var root = new TrieNode();
        foreach (var piece in Isolated)
        {
            var node = root;
            foreach (var rune in piece.EnumerateRunes())
            {
                if (!node.Children.TryGetValue(rune.Value, out var child)) node.Children.Add(rune.Value, child = new TrieNode());
                node = child;
            }
            node.IsPiece = true;
        }
        var pattern = new StringBuilder();
        AppendAlternatives(pattern, [.. root.Children]);
        return pattern.ToString();
    }

    private static bool IsLong(string text) => PieceMerge.Cuts(text).Any();

    private bool ComesOutWhole(string piece)
    {
        var tokens = 0;
        foreach (var (_, _, merged) in Steps(piece)) tokens += merged ? -1 : 1;
        return tokens == 1;
    }

    /// <summary>Merges a text by the highest score from the left: for each character read, and for each merge of the last two tokens, where the last token starts and ends.</summary>
    private IEnumerable<(int Start, int End, bool Merged)> Steps(string text)
    {
        var starts = new Stack<int>();
        var from = 0;
        foreach (var to in PieceMerge.Cuts(text).Append(text.Length))
        {
            var start = from;
            yield return (start, to, false);
            while (starts.TryPeek(out var below) && _top.GetAlternateLookup<ReadOnlySpan<char>>().Contains(text.AsSpan(below..to)))
            {
                start = starts.Pop();
                yield return (start, to, true);
            }
            starts.Push(start);
            from = to;
        }
    }

    /// <summary>The pieces that may appear after lower scores have had their turn.</summary>
    private HashSet<string> Late(List<SentencePiece> textual, Vocabulary vocabulary)
    {
        var late = textual.Where(piece => !_top.Contains(piece.Text)).Select(piece => piece.Text).ToHashSet(StringComparer.Ordinal);
        var lookup = late.GetAlternateLookup<ReadOnlySpan<char>>();
        var grew = true;
        while (grew)
        {
            grew = false;
            foreach (var piece in _top)
            {
                if (late.Contains(piece)) continue;
                foreach (var cut in PieceMerge.Cuts(piece))
                {
                    var left = piece.AsSpan(0, cut);
                    var right = piece.AsSpan(cut);
                    if (!(lookup.Contains(left) && IsSymbol(right)) && !(lookup.Contains(right) && IsSymbol(left))) continue;
                    grew = late.Add(piece);
                    break;
                }
            }
        }
        return late;

        bool IsSymbol(ReadOnlySpan<char> text) => text.Length <= 1 || vocabulary.TextualLookup.ContainsKey(text) || !IsLong(text.ToString());
    }

    /// <summary>The parts that a merge to this piece may take up after the highest score has had its turn: those that segmentation gives within the piece.</summary>
    private IEnumerable<string> JoinedLater(string piece, HashSet<string> late)
    {
        var isTop = _top.Contains(piece);
        var ends = Segment(piece);
        foreach (var cut in PieceMerge.Cuts(piece))
        {
            var (left, right) = (piece[..cut], piece[cut..]);
            if (ends[0] == cut && (!isTop || late.Contains(right))) yield return left;
            if (ends.Count > 1 && ends[^2] == cut && (!isTop || late.Contains(left))) yield return right;
        }
    }

    /// <summary>Where the tokens of a text end when the longest of <see cref="Munched"/> is taken at each place.</summary>
    private List<int> Segment(string text)
    {
        var lookup = Munched.GetAlternateLookup<ReadOnlySpan<char>>();
        var cuts = PieceMerge.Cuts(text).Append(text.Length).ToList();
        var ends = new List<int>();
        for (var (start, first) = (0, 0); start < text.Length; start = ends[^1])
        {
            while (cuts[first] <= start) first++;
            var last = cuts.Count - 1;
            while (last > first && !lookup.Contains(text.AsSpan(start..cuts[last]))) last--;
            ends.Add(cuts[last]);
        }
        return ends;
    }

    /// <summary>Leaves out what the pattern, which knows nothing of the other pieces, would find in the middle or at the beginning of one of those.</summary>
    private void KeepAligned()
    {
        var byPrefix = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var piece in Isolated)
        {
            foreach (var cut in PieceMerge.Cuts(piece).Append(piece.Length))
            {
                if (!byPrefix.TryGetValue(piece[..cut], out var list)) byPrefix.Add(piece[..cut], list = []);
                list.Add(piece);
            }
        }
        var others = new Queue<string>(Munched.Where(piece => !Isolated.Contains(piece)));
        while (others.TryDequeue(out var other))
        {
            foreach (var misled in Misled(other)) if (Isolated.Remove(misled)) others.Enqueue(misled);
        }

        IEnumerable<string> Misled(string other)
        {
            foreach (var cut in PieceMerge.Cuts(other))
            {
                if (Isolated.Contains(other[..cut])) yield return other[..cut];
                var rest = other[cut..];
                if (byPrefix.TryGetValue(rest, out var longer)) foreach (var piece in longer) yield return piece;
                foreach (var length in PieceMerge.Cuts(rest)) if (Isolated.Contains(rest[..length])) yield return rest[..length];
            }
        }
    }

    private static void AppendAlternatives(StringBuilder pattern, ReadOnlySpan<KeyValuePair<int, TrieNode>> children)
    {
        if (children.Length > MaxAlternatives)
        {
            var half = children.Length / 2;
            pattern.Append("(?=[");
            AppendCharacter(pattern, children[0].Key);
            pattern.Append('-');
            AppendCharacter(pattern, children[half - 1].Key);
            pattern.Append("])(?:");
            AppendAlternatives(pattern, children[..half]);
            pattern.Append(")|");
            AppendAlternatives(pattern, children[half..]);
            return;
        }
        for (var i = 0; i < children.Length; i++)
        {
            if (i > 0) pattern.Append('|');
            AppendCharacter(pattern, children[i].Key);
            AppendRest(pattern, children[i].Value);
        }
    }

    private static void AppendRest(StringBuilder pattern, TrieNode node)
    {
        if (node.Children.Count == 0) return;
        if (node.Children.Count == 1 && !node.IsPiece)
        {
            AppendAlternatives(pattern, [.. node.Children]);
            return;
        }
        pattern.Append("(?:");
        AppendAlternatives(pattern, [.. node.Children]);
        pattern.Append(')');
        if (node.IsPiece) pattern.Append('?');
    }

    private static void AppendCharacter(StringBuilder pattern, int character)
    {
        if (character < 0x80 && @"\^$.*+?()[]{}|/-".Contains((char)character, StringComparison.Ordinal)) pattern.Append(@"\x").Append(character.ToString("x2", System.Globalization.CultureInfo.InvariantCulture));
        else pattern.Append(char.ConvertFromUtf32(character));
    }

    private sealed class TrieNode
    {
        public SortedDictionary<int, TrieNode> Children { get; } = [];

        public bool IsPiece { get; set; }
    }
}
