using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>SentencePiece's BPE, exact to the id.</summary>
/// <remarks>
/// <para>The text, with <c>▁</c> before it and in place of its spaces, is split into characters. Of all neighbouring pairs whose concatenation is a piece, the one
/// with the highest score merges, the leftmost of equals, until none is left. What is then not a piece becomes its UTF-8 bytes, or the unknown piece.</para>
/// <para>Two things make it fast. Merges are looked up by pairs of integers (<see cref="MergeTable"/>). And the text falls apart into short segments: where two
/// neighbouring characters meet inside no piece, nothing merges across, so each side is finished by itself. Segments up to <see cref="ShortSegment"/> characters
/// are merged in registers and on the stack, longer ones with an agenda (<see cref="LongSegment"/>), so the time is O(n log n) whatever the text.</para>
/// <para>Safe to use from several threads. Allocates nothing per token.</para>
/// </remarks>
internal sealed class BpeEncoder
{
    // The bits of the word that says which symbols are left.
    private const int ShortSegment = 64;
    private const int SlotBits = 6;

    // The keys from here on are of pairs that do not merge.
    private const uint NoKey = (uint)MergeTable.NoRank << SlotBits;

    /// <summary>A character without symbol; which one is read from the text again when it is written out. Never merges, being negative.</summary>
    private const int UnknownCharacter = int.MinValue;

    /// <summary>In the table of characters: what begins with this one has to be looked at more closely.</summary>
    private const int Ambiguous = -1;

    private readonly SymbolTable _symbols;
    private readonly int[] _basicPlane;
    private readonly MergeTable _characterMerges;
    private readonly MergeTable _merges;
    private readonly Token[] _tokens;
    private readonly ushort[] _characterCounts;
    private readonly UserDefinedPieces _userDefined;
    private readonly int[]? _byteIds;
    private readonly bool[]? _unused;
    private readonly int _unkId;
    private readonly bool _addDummyPrefix;

    /// <param name="model">A BPE model without normalisation.</param>
    /// <param name="vocabulary">Its pieces.</param>
    /// <exception cref="AlpacaException">The model asks for something else; the message names file and setting.</exception>
    public BpeEncoder(SentencePieceModel model, Vocabulary vocabulary)
    {
        ThrowIfUnsupported(model);
        var pieces = model.Pieces;
        _symbols = SymbolTable.Build(pieces, vocabulary);
        (_characterMerges, _merges) = (_symbols.Characters, _symbols.All);
        _userDefined = new UserDefinedPieces(
            pieces.Select((piece, id) => (piece, id)).Where(p => p.piece.Type == SentencePieceType.UserDefined).Select(p => (p.piece.Text, p.id)));
        _unkId = vocabulary.UnkId;
        _byteIds = model.Trainer.ByteFallback ? vocabulary.ByteIds : null;
        _addDummyPrefix = model.Normalizer.AddDummyPrefix;
        if (pieces.Any(piece => piece.Type == SentencePieceType.Unused)) _unused = [.. pieces.Select(piece => piece.Type == SentencePieceType.Unused)];

        _tokens = [.. _symbols.Lengths.Select((length, symbol) => new Token(symbol < pieces.Count ? IdOf(pieces[symbol].Text) : Token.None, length))];
        _characterCounts = new ushort[_symbols.Count];
        Array.Fill(_characterCounts, (ushort)1);
        for (var id = 0; id < pieces.Count; id++)
        {
            if (SymbolTable.Merges(pieces[id].Type)) _characterCounts[id] = (ushort)pieces[id].Text.EnumerateRunes().Count();
        }
        _basicPlane = [.. _symbols.BasicPlane];
        _basicPlane[' '] = _basicPlane[Vocabulary.Space];
        _basicPlane.AsSpan().Replace(SymbolTable.None, UnknownCharacter);
        _basicPlane.AsSpan(0xD800, 0x800).Fill(Ambiguous);
        foreach (var first in _userDefined.FirstChars) _basicPlane[first == Vocabulary.Space ? ' ' : first] = _basicPlane[first] = Ambiguous;

        int IdOf(string piece) => vocabulary.Find(piece) is var id && id != _unkId ? id : Token.None;
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="sink">Gets the tokens, in order.</param>
    public void Encode<TSink>(ReadOnlySpan<char> text, ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        if (text.IsEmpty) return;
        var output = new Output(text, _addDummyPrefix ? -1 : 0);
        // A piece marked unused is taken apart the way it was last put together anywhere in the text, so then the text is one segment.
        if (_unused is null) EncodeSegments(text, ref output, ref sink);
        else EncodeLong(text, SymbolCount(text, output.Position), ref output, ref sink);
    }

    private void EncodeSegments<TSink>(ReadOnlySpan<char> text, scoped ref Output output, scoped ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        Span<int> symbols = stackalloc int[ShortSegment];
        Span<Merge> merges = stackalloc Merge[ShortSegment];
        Span<uint> keys = stackalloc uint[ShortSegment];
        var (count, previous) = (0, UnknownCharacter);
        for (var position = output.Position; position < text.Length;)
        {
            var symbol = ReadSymbol(text, position, out var length);
            if (!_characterMerges.TryGet(previous, symbol, out var merge) && count > 0)
            {
                WriteShort(symbols[..count], merges, keys, ref output, ref sink);
                count = 0;
            }
            else if (count == ShortSegment)
            {
                EncodeLong(text, SegmentCount(text, output.Position), ref output, ref sink);
                (count, position, previous) = (0, output.Position, UnknownCharacter);
                continue;
            }
            symbols[count] = symbol;
            keys[count] = ((uint)merge.Rank << SlotBits) | (uint)count;
            merges[count] = merge;
            count++;
            previous = symbol;
            position += length;
        }
        if (count > 0) WriteShort(symbols[..count], merges, keys, ref output, ref sink);
    }

    /// <summary>Merges a segment by looking for the best pair anew each time, and writes it out.</summary>
    /// <param name="symbols">Its symbols, [n]; overwritten.</param>
    /// <param name="merges">For each symbol the merge with the one before it, [n]; overwritten.</param>
    /// <param name="keys">The same as rank and slot, so that the lowest is the best and the leftmost of equals, [n]; overwritten.</param>
    /// <param name="output">Where it begins.</param>
    /// <param name="sink">Gets the tokens.</param>
    private void WriteShort<TSink>(scoped Span<int> symbols, scoped Span<Merge> merges, scoped Span<uint> keys, scoped ref Output output, scoped ref TSink sink)
        where TSink : struct, ITokenSink, allows ref struct
    {
        var left = ulong.MaxValue >> (ShortSegment - symbols.Length); // the slots of the symbols that are left; the first always is
        while (BestOf(keys[..symbols.Length]) is var key and < NoKey)
        {
            var slot = (int)(key % ShortSegment);
            left ^= 1UL << slot;
            var target = Before(left, slot);
            symbols[target] = merges[slot].Symbol;
            keys[slot] = uint.MaxValue;
            if (target > 0) Renew(Before(left, target), target, symbols, merges, keys);
            var next = BitOperations.TrailingZeroCount(left & (ulong.MaxValue << slot));
            if (next < ShortSegment) Renew(target, next, symbols, merges, keys);
        }
        for (; left != 0; left &= left - 1) Write(symbols[BitOperations.TrailingZeroCount(left)], ref output, ref sink);

        static int Before(ulong left, int slot) => BitOperations.Log2(left & ((1UL << slot) - 1));
    }

    private void Renew(int left, int right, Span<int> symbols, Span<Merge> merges, Span<uint> keys)
    {
        _merges.TryGet(symbols[left], symbols[right], out merges[right]);
        keys[right] = ((uint)merges[right].Rank << SlotBits) | (uint)right;
    }

    private static uint BestOf(ReadOnlySpan<uint> keys)
    {
        var best = uint.MaxValue;
        foreach (var key in keys) best = Math.Min(best, key);
        return best;
    }

    /// <summary>Encodes the next symbols, which nothing after them merges with.</summary>
    private void EncodeLong<TSink>(ReadOnlySpan<char> text, int count, scoped ref Output output, scoped ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        var unused = _unused is null ? null : new UnusedParts(_unused);
        using var segment = new LongSegment(count, _merges, _characterCounts, unused);
        var position = output.Position;
        foreach (ref var slot in segment.Slots)
        {
            slot = ReadSymbol(text, position, out var length);
            position += length;
        }
        segment.Merge();
        for (var slot = 0; slot < count; slot = segment.Next(slot))
        {
            if (unused is null) Write(segment.Slots[slot], ref output, ref sink);
            else WriteParts(segment.Slots[slot], unused, ref output, ref sink);
        }
    }

    /// <summary>How many symbols there are from a place on.</summary>
    private int SymbolCount(ReadOnlySpan<char> text, int position)
    {
        var count = 0;
        for (; position < text.Length; count++)
        {
            ReadSymbol(text, position, out var length);
            position += length;
        }
        return count;
    }

    /// <summary>How many symbols there are from a place to where nothing merges across.</summary>
    private int SegmentCount(ReadOnlySpan<char> text, int position)
    {
        var (count, previous) = (0, UnknownCharacter);
        for (; position < text.Length; count++)
        {
            var symbol = ReadSymbol(text, position, out var length);
            if (count > 0 && !_characterMerges.TryGet(previous, symbol, out _)) break;
            previous = symbol;
            position += length;
        }
        return count;
    }

    /// <summary>The symbol that begins at a place: a user-defined piece as <c>~id</c>, a character, or <see cref="UnknownCharacter"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int ReadSymbol(ReadOnlySpan<char> text, int position, out int length)
    {
        length = 1;
        return (uint)position < (uint)text.Length && _basicPlane[text[position]] is var symbol and not Ambiguous ? symbol : ReadAmbiguous(text, position, out length);
    }

    private int ReadAmbiguous(ReadOnlySpan<char> text, int position, out int length)
    {
        if (!_userDefined.IsEmpty && _userDefined.TryMatch(text, position, out var id, out length)) return ~id;
        length = 1;
        if (position < 0 || text[position] == ' ') return Known(_symbols.OfCharacter(new Rune(Vocabulary.Space)));
        Rune.DecodeFromUtf16(text[position..], out var character, out length);
        return Known(_symbols.OfCharacter(character));

        static int Known(int symbol) => symbol == SymbolTable.None ? UnknownCharacter : symbol;
    }

    /// <summary>Writes a symbol; if it is an unused piece, as what it was put together from.</summary>
    private void WriteParts<TSink>(int symbol, UnusedParts unused, scoped ref Output output, scoped ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        if (!unused.TryGet(symbol, out var parts))
        {
            Write(symbol, ref output, ref sink);
            return;
        }
        WriteParts(parts.Left, unused, ref output, ref sink);
        WriteParts(parts.Right, unused, ref output, ref sink);
    }

    /// <summary>Writes the token or tokens of the next symbol.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write<TSink>(int symbol, scoped ref Output output, scoped ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        var piece = symbol < 0 && symbol != UnknownCharacter ? ~symbol : symbol;
        var (id, length) = piece >= 0 ? _tokens[piece] : new Token(Token.None, output.CharacterLength);
        if (id == Token.None)
        {
            WriteUnknown(length, ref output, ref sink);
            return;
        }
        var start = Math.Max(output.Position, 0);
        output.Position += length;
        output.IsAfterUnknown = false;
        sink.Add(id, start, output.Position);
    }

    private void WriteUnknown<TSink>(int length, scoped ref Output output, scoped ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        var (start, end) = (Math.Max(output.Position, 0), output.Position + length);
        if (_byteIds is not null)
        {
            while (output.Position < end) WriteBytes(_byteIds, ref output, ref sink);
        }
        else if (output.IsAfterUnknown) sink.ExtendLast(end);
        else sink.Add(_unkId, start, end);
        output.Position = end;
        output.IsAfterUnknown = _byteIds is null;
    }

    private static void WriteBytes<TSink>(int[] byteIds, scoped ref Output output, scoped ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        Span<byte> utf8 = stackalloc byte[4];
        var count = output.Character.EncodeToUtf8(utf8);
        var start = Math.Max(output.Position, 0);
        output.Position += output.CharacterLength;
        for (var i = 0; i < count; i++) sink.Add(byteIds[utf8[i]], start, i == count - 1 ? output.Position : start);
    }

    private static void ThrowIfUnsupported(SentencePieceModel model)
    {
        var problems = new List<string>();
        if (model.Trainer.ModelType != SentencePieceModelType.Bpe) problems.Add($"its type is {model.Trainer.ModelType}, not BPE");
        if (model.Trainer.TreatWhitespaceAsSuffix) problems.Add("it puts the space mark after words");
        if (model.Normalizer.CharsMapLength > 0) problems.Add($"it normalises text with '{model.Normalizer.Name}'");
        if (model.Normalizer.RemoveExtraWhitespaces) problems.Add("it removes extra spaces");
        if (!model.Normalizer.EscapeWhitespaces) problems.Add("it does not escape spaces");
        if (model.HasDenormalizer) problems.Add("it denormalises decoded text");
        if (problems.Count > 0)
            throw new AlpacaException(
                $"{model.Name} cannot tokenize here: {string.Join(", ", problems)}; use a byte-pair model with identity normalisation such as LLaMA's, "
                + "or merge its pieces into one.");
    }

    /// <summary>How far the text is written.</summary>
    private ref struct Output(ReadOnlySpan<char> text, int position)
    {
        private readonly ReadOnlySpan<char> _text = text;

        /// <summary>The place in the text; -1 at the space mark put before it.</summary>
        public int Position { get; set; } = position;

        /// <summary>Whether the last token is the unknown piece.</summary>
        public bool IsAfterUnknown { get; set; }

        public readonly Rune Character
        {
            get
            {
                if (Position < 0 || _text[Position] == ' ') return new Rune(Vocabulary.Space);
                Rune.DecodeFromUtf16(_text[Position..], out var character, out _);
                return character;
            }
        }

        /// <summary>The length of <see cref="Character"/> in UTF-16 code units.</summary>
        public readonly int CharacterLength => Position >= 0 && Position + 1 < _text.Length && char.IsSurrogatePair(_text[Position], _text[Position + 1]) ? 2 : 1;
    }

    /// <summary>What a symbol becomes.</summary>
    /// <param name="Id">The token's id, or <see cref="None"/> if it is written as bytes or as the unknown piece.</param>
    /// <param name="Length">Its length in UTF-16 code units.</param>
    private readonly record struct Token(int Id, int Length)
    {
        public const int None = -1;
    }
}
