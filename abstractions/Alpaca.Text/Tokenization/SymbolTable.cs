using System.Text;

namespace Alpaca.Text;

/// <summary>
/// The units that merge: every piece that text can become, and every character that a piece is made of. A piece's symbol is its id; characters without a piece of
/// their own are numbered after the pieces.
/// </summary>
internal sealed class SymbolTable
{
    /// <summary>What <see cref="BasicPlane"/> gives for a character that is no piece and part of none.</summary>
    public const int None = -1;

    // LLaMA's vocabulary has 2.3 for each piece. Four million take 350 MB.
    private const int MaxMerges = 1 << 22;

    // One entry per UTF-16 code unit (256 KB): text is looked up character by character, and most of it lies in a few pages.
    private readonly int[] _basicPlane = new int[char.MaxValue + 1];
    private readonly Dictionary<int, int> _supplementary = [];
    private readonly List<int> _lengths;

    private SymbolTable(IReadOnlyList<SentencePiece> pieces)
    {
        Array.Fill(_basicPlane, None);
        _lengths = [.. pieces.Select(piece => piece.Text.Length)];
    }

    /// <summary>Which pairs merge.</summary>
    public MergeTable All { get; private set; } = null!;

    /// <summary>
    /// Pairs of single characters: those that merge, and with <see cref="Merge.None"/> those that only stand side by side where something else merges. Across a pair
    /// that is not listed nothing ever merges. A table of its own because it is far smaller than the other and is asked for every character.
    /// </summary>
    public MergeTable Characters { get; private set; } = null!;

    /// <summary>How many symbols there are.</summary>
    public int Count => _lengths.Count;

    /// <summary>The length of each symbol in UTF-16 code units.</summary>
    public int[] Lengths => [.. _lengths];

    /// <summary>The symbol of each UTF-16 code unit, [65536]; <see cref="None"/> for surrogates.</summary>
    public ReadOnlySpan<int> BasicPlane => _basicPlane;

    /// <summary>The symbol of any character.</summary>
    public int OfCharacter(Rune character)
        => character.IsBmp ? _basicPlane[character.Value] : _supplementary.GetValueOrDefault(character.Value, None);

    /// <summary>Whether pieces of that type come out of merges. User-defined ones are cut out of the text before anything merges.</summary>
    public static bool Merges(SentencePieceType type) => type is SentencePieceType.Normal or SentencePieceType.Unused;

    /// <summary>Lists the symbols and merges of a vocabulary.</summary>
    public static SymbolTable Build(IReadOnlyList<SentencePiece> pieces, Vocabulary vocabulary)
    {
        var table = new SymbolTable(pieces);
        var ranks = RanksOf(pieces);
        var merges = new List<(int, int, Merge)>(pieces.Count * 2);
        var characters = new List<(int, int, Merge)>();
        var neighbours = new HashSet<(int, int)>();
        var reachable = new bool[pieces.Count];
        var textual = vocabulary.TextualLookup;

        for (var id = 0; id < pieces.Count; id++)
        {
            if (pieces[id].Type == SentencePieceType.UserDefined || !IsOneCharacter(pieces[id].Text)) continue;
            // Control pieces too: SentencePiece looks what is left of the text up in all pieces, and only a single character can be left without a merge.
            table.SetCharacter(Rune.GetRuneAt(pieces[id].Text, 0), id);
            reachable[id] = true;
        }

        int SymbolOf(ReadOnlySpan<char> text)
        {
            if (!IsOneCharacter(text)) return textual.TryGetValue(text, out var id) && reachable[id] ? id : None;
            Rune.DecodeFromUtf16(text, out var character, out _);
            var symbol = table.OfCharacter(character);
            return symbol == None ? table.AddCharacter(character) : symbol;
        }

        // Shorter pieces first: what a piece is put together from is known by then to be reachable itself.
        foreach (var id in Enumerable.Range(0, pieces.Count).Where(id => Merges(pieces[id].Type)).OrderBy(id => pieces[id].Text.Length))
        {
            var text = pieces[id].Text.AsSpan();
            if (IsOneCharacter(text)) continue;
            for (var split = 1; split < text.Length; split++)
            {
                if (char.IsLowSurrogate(text[split])) continue;
                var (left, right) = (SymbolOf(text[..split]), SymbolOf(text[split..]));
                if (left == None || right == None) continue;
                if (merges.Count == MaxMerges) throw vocabulary.TooManyMerges(MaxMerges);
                merges.Add((left, right, new Merge(id, ranks[id])));
                reachable[id] = true;
                // The two characters that meet there may be neighbours in a merge though they do not merge with each other.
                var (before, after) = (SymbolOf(LastCharacter(text[..split])), SymbolOf(FirstCharacter(text[split..])));
                if (left == before && right == after) characters.Add(merges[^1]);
                else if (neighbours.Add((before, after))) characters.Add((before, after, Merge.None));
            }
        }
        table.All = new MergeTable(merges);
        table.Characters = new MergeTable(characters);
        return table;
    }

    /// <summary>Scores as ranks: 0 for the highest, equal for equal scores.</summary>
    private static int[] RanksOf(IReadOnlyList<SentencePiece> pieces)
    {
        var rankOf = pieces.Select(piece => piece.Score).Distinct().OrderDescending().Select((score, rank) => (score, rank)).ToDictionary();
        return [.. pieces.Select(piece => rankOf[piece.Score])];
    }

    private static bool IsOneCharacter(ReadOnlySpan<char> text) => text.Length == 1 || (text.Length == 2 && char.IsHighSurrogate(text[0]));

    private static ReadOnlySpan<char> FirstCharacter(ReadOnlySpan<char> text) => char.IsHighSurrogate(text[0]) ? text[..2] : text[..1];

    private static ReadOnlySpan<char> LastCharacter(ReadOnlySpan<char> text) => char.IsLowSurrogate(text[^1]) ? text[^2..] : text[^1..];

    private int AddCharacter(Rune character)
    {
        var symbol = _lengths.Count;
        _lengths.Add(character.Utf16SequenceLength);
        SetCharacter(character, symbol);
        return symbol;
    }

    private void SetCharacter(Rune character, int symbol)
    {
        if (character.IsBmp) _basicPlane[character.Value] = symbol;
        else _supplementary[character.Value] = symbol;
    }
}
