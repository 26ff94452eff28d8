using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>A model's pieces by text, with SentencePiece's rules about which of them text can become.</summary>
internal sealed class Vocabulary
{
    /// <summary>Stands for a space within pieces: U+2581.</summary>
    public const char Space = '▁';

    /// <summary>The longest piece that may come out of merges, in UTF-16 code units. SentencePiece trains pieces of up to 16 characters.</summary>
    public const int MaxMergedLength = 512;

    // What begins like such a piece is read so far at every place of a text.
    private const int MaxUserDefinedLength = 1024;

    // All ways to put a piece together are listed at load, in time that grows with the square of its length. A million pieces of 32 characters are this many steps, a
    // second or two.
    private const long MaxMergeSteps = 1 << 30;

    private readonly SentencePieceModel _model;
    private readonly Dictionary<string, int> _textual = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _reserved = new(StringComparer.Ordinal);

    /// <exception cref="AlpacaException">The pieces contradict each other; the message names the file.</exception>
    public Vocabulary(SentencePieceModel model)
    {
        _model = model;
        ByteIds = new int[256];
        Array.Fill(ByteIds, -1);
        UnkId = -1;
        var mergeSteps = 0L;
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            var piece = model.Pieces[id];
            if (SymbolTable.Merges(piece.Type))
            {
                if (piece.Text.Length > MaxMergedLength)
                    throw Damaged($"piece {id} is {piece.Text.Length} characters long, more than the {MaxMergedLength} that can be merged");
                mergeSteps += (long)piece.Text.Length * piece.Text.Length;
                if (mergeSteps > MaxMergeSteps) throw Damaged($"its first {id + 1} pieces alone are too long to list all the ways to put them together");
            }
            else if (piece.Type == SentencePieceType.UserDefined && piece.Text.Length > MaxUserDefinedLength)
            {
                throw Damaged($"the user-defined piece {id} is {piece.Text.Length} characters long, more than the {MaxUserDefinedLength} that are looked for");
            }
            var map = IsTextual(piece.Type) ? _textual : _reserved;
            if (!map.TryAdd(piece.Text, id)) throw Damaged($"piece {id} '{piece.Text}' is there twice");
            if (piece.Type == SentencePieceType.Unknown) UnkId = UnkId < 0 ? id : throw Damaged("it has two unknown pieces");
            if (piece.Type == SentencePieceType.Byte) ByteIds[ByteOf(piece.Text)] = id;
        }
        if (UnkId < 0) throw Damaged("it has no unknown piece");
        if (model.Trainer.ByteFallback && ByteIds.Contains(-1)) throw Damaged("it falls back to bytes but lacks some of the 256 byte pieces");
    }

    /// <summary>How many pieces there are.</summary>
    public int Count => _model.Pieces.Count;

    /// <summary>The id of the unknown piece.</summary>
    public int UnkId { get; }

    /// <summary>The id of each byte's piece, [256]; -1 where there is none.</summary>
    public int[] ByteIds { get; }

    /// <summary>Whether text can become pieces of that type.</summary>
    public static bool IsTextual(SentencePieceType type) => type is SentencePieceType.Normal or SentencePieceType.UserDefined or SentencePieceType.Unused;

    /// <summary>The piece of that text, or -1. Reserved pieces go before textual ones, as in SentencePiece.</summary>
    public int Find(string text) => _reserved.TryGetValue(text, out var id) || _textual.TryGetValue(text, out id) ? id : -1;

    /// <summary>The piece that the result of a merge would be, found without making a string.</summary>
    public Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> TextualLookup => _textual.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The error for a vocabulary that can be put together in more ways than fit into memory.</summary>
    public AlpacaException TooManyMerges(int limit) => Damaged($"there are more than {limit} ways to put its pieces together from one another");

    private int ByteOf(string text)
        => text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>'
            && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                ? value : throw Damaged($"the byte piece '{text}' is not written like <0x0A>");

    private AlpacaException Damaged(string what) => new($"{_model.Name} is not a usable SentencePiece model: {what}; get the file again.");
}
