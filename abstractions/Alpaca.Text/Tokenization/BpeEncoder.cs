using System.Buffers;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>SentencePiece's BPE, exact to the id.</summary>
/// <remarks>
/// <para>The text, with <c>▁</c> before it and in place of its spaces, is split into characters. Of all neighbouring pairs whose concatenation is a piece, the one
/// with the highest score merges, the leftmost of equals, until none is left. What is then not a piece becomes its UTF-8 bytes, or the unknown piece.</para>
/// <para>Two things make it fast. Merges are looked up by pairs of integers (<see cref="MergeTable"/>). And the text falls apart into short segments: where two
/// neighbouring characters meet inside no piece, nothing merges across, so each side is finished by itself. Segments up to <see cref="ShortSegment"/> characters
/// are merged by scanning, longer ones with a heap, so the time is O(n log n) whatever the text.</para>
/// <para>Safe to use from several threads. Allocates nothing per token.</para>
/// </remarks>
internal sealed class BpeEncoder
{
    private const int ShortSegment = 48;

    private readonly SymbolTable _symbols;
    private readonly MergeTable _merges;
    private readonly UserDefinedPieces _userDefined;
    private readonly int[] _lengths;
    private readonly int[] _ids;
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
        _merges = _symbols.Merges;
        _lengths = _symbols.Lengths;
        _userDefined = new UserDefinedPieces(
            pieces.Select((piece, id) => (piece, id)).Where(p => p.piece.Type == SentencePieceType.UserDefined).Select(p => (p.piece.Text, p.id)));
        _unkId = vocabulary.UnkId;
        _byteIds = model.Trainer.ByteFallback ? vocabulary.ByteIds : null;
        _addDummyPrefix = model.Normalizer.AddDummyPrefix;
        _ids = new int[_symbols.Count];
        Array.Fill(_ids, _unkId);
        for (var id = 0; id < pieces.Count; id++) _ids[id] = vocabulary.Find(pieces[id].Text);
        if (pieces.Any(piece => piece.Type == SentencePieceType.Unused)) _unused = [.. pieces.Select(piece => piece.Type == SentencePieceType.Unused)];
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="sink">Gets the tokens, in order.</param>
    public void Encode<TSink>(ReadOnlySpan<char> text, ref TSink sink) where TSink : struct, ITokenSink
    {
        if (text.IsEmpty) return;
        var segment = new Segment(stackalloc int[ShortSegment], stackalloc Merge[ShortSegment]);
        try
        {
            scoped var output = new Output<TSink>(this, text, ref sink);
            var previous = SymbolTable.None;
            var start = _addDummyPrefix ? -1 : 0;
            for (var position = start; position < text.Length;)
            {
                var (symbol, length) = ReadSymbol(text, position);
                var joins = _merges.TryGet(previous, symbol, out var merge);
                // A piece marked unused is taken apart the way it was last put together anywhere in the text, so then the text is one segment.
                if (!joins && segment.Count > 0 && _unused is null)
                {
                    Flush(segment.Symbols, segment.Merges, start, ref output);
                    segment.Clear();
                    start = position;
                }
                segment.Append(symbol, merge);
                previous = symbol;
                position += length;
            }
            Flush(segment.Symbols, segment.Merges, start, ref output);
        }
        finally
        {
            segment.Dispose();
        }
    }

    /// <summary>The symbol that begins at a place: a user-defined piece as <c>~id</c>, a character, or <see cref="UnknownCharacter"/>.</summary>
    private (int Symbol, int Length) ReadSymbol(ReadOnlySpan<char> text, int position)
    {
        if (!_userDefined.IsEmpty && _userDefined.TryMatch(text, position, out var id, out var length)) return (~id, length);
        if (position < 0) return (Known(_symbols.OfCharacter(Vocabulary.Space)), 1);
        var character = text[position];
        if (!char.IsSurrogate(character)) return (Known(_symbols.OfCharacter(character == ' ' ? Vocabulary.Space : character)), 1);
        Rune.DecodeFromUtf16(text[position..], out var rune, out length);
        return (Known(_symbols.OfCharacter(rune)), length);

        static int Known(int symbol) => symbol == SymbolTable.None ? UnknownCharacter : symbol;
    }

    /// <summary>A character without symbol; which one is read from the text again when it is written out. Never merges, being negative.</summary>
    private const int UnknownCharacter = int.MinValue;

    /// <summary>Merges a segment and writes it out.</summary>
    /// <param name="symbols">Its symbols, [n]; overwritten.</param>
    /// <param name="merges">For each symbol the merge with the one before it, [n]; overwritten.</param>
    /// <param name="start">Where it begins in the text; -1 if with the space mark put before it.</param>
    /// <param name="output">Gets the tokens.</param>
    private void Flush<TSink>(Span<int> symbols, Span<Merge> merges, int start, ref Output<TSink> output) where TSink : struct, ITokenSink
    {
        var parts = _unused is null ? null : new Dictionary<int, (int Left, int Right)>();
        if (parts is not null || symbols.Length > ShortSegment) MergeLong(symbols, merges, parts);
        else if (symbols.Length > 1) symbols = symbols[..MergeShort(symbols, merges)];
        foreach (var symbol in symbols)
        {
            if (symbol == Absorbed) continue;
            start = parts is null ? output.Write(symbol, start) : WriteParts(symbol, start, parts, ref output);
        }
    }

    /// <summary>Merges by looking for the best pair anew each time; the quickest way for a word.</summary>
    /// <returns>How many symbols are left, at the front.</returns>
    private int MergeShort(Span<int> symbols, Span<Merge> merges)
    {
        var count = symbols.Length;
        while (true)
        {
            var (best, rank) = (0, MergeTable.NoRank);
            for (var i = 1; i < count; i++)
            {
                if (merges[i].Rank < rank) (best, rank) = (i, merges[i].Rank);
            }
            if (best == 0) return count;
            symbols[best - 1] = merges[best].Symbol;
            symbols[(best + 1)..count].CopyTo(symbols[best..]);
            merges[(best + 1)..count].CopyTo(merges[best..]);
            count--;
            if (best > 1) _merges.TryGet(symbols[best - 2], symbols[best - 1], out merges[best - 1]);
            if (best < count) _merges.TryGet(symbols[best - 1], symbols[best], out merges[best]);
        }
    }

    /// <summary>Marks a symbol that became part of the one before it.</summary>
    private const int Absorbed = int.MinValue + 1;

    /// <summary>Merges with an agenda, leaving <see cref="Absorbed"/> where a symbol went into its left neighbour.</summary>
    /// <param name="symbols">The symbols, [n].</param>
    /// <param name="merges">For each symbol the merge with the one before it, [n].</param>
    /// <param name="parts">If given, gets for each merged symbol the two it was last put together from.</param>
    private void MergeLong(Span<int> symbols, Span<Merge> merges, Dictionary<int, (int Left, int Right)>? parts)
    {
        var count = symbols.Length;
        var links = ArrayPool<int>.Shared.Rent(2 * count);
        try
        {
            var previous = links.AsSpan(0, count);
            var next = links.AsSpan(count, count);
            // The key is (rank, left symbol's place). What a key stands for is looked up when it comes up: if the pair has changed meanwhile, either its rank differs
            // and the key is void, or the rank is the same and the key is just as good for the new pair.
            var agenda = new PriorityQueue<int, ulong>(count);
            for (var i = 0; i < count; i++)
            {
                (previous[i], next[i]) = (i - 1, i + 1);
                if (i > 0) Offer(i - 1, i, symbols, merges);
            }
            while (agenda.TryDequeue(out var right, out var key))
            {
                if (symbols[right] == Absorbed || merges[right].Rank != (int)(key >> 32)) continue;
                var left = previous[right];
                symbols[left] = merges[right].Symbol;
                symbols[right] = Absorbed;
                next[left] = next[right];
                if (next[left] < count) previous[next[left]] = left;
                if (previous[left] >= 0) Renew(previous[left], left, symbols, merges);
                if (next[left] < count) Renew(left, next[left], symbols, merges);
            }

            void Renew(int left, int right, Span<int> symbols, Span<Merge> merges)
            {
                _merges.TryGet(symbols[left], symbols[right], out merges[right]);
                Offer(left, right, symbols, merges);
            }

            void Offer(int left, int right, Span<int> symbols, Span<Merge> merges)
            {
                var merge = merges[right];
                if (merge.Rank == MergeTable.NoRank) return;
                agenda.Enqueue(right, (ulong)(uint)merge.Rank << 32 | (uint)left);
                if (parts is not null && _unused![merge.Symbol]) parts[merge.Symbol] = (symbols[left], symbols[right]);
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(links);
        }
    }

    /// <summary>Writes a symbol; if it is an unused piece, as what it was put together from.</summary>
    private int WriteParts<TSink>(int symbol, int position, Dictionary<int, (int Left, int Right)> parts, ref Output<TSink> output)
        where TSink : struct, ITokenSink
    {
        if (symbol < 0 || symbol >= _unused!.Length || !_unused[symbol] || !parts.TryGetValue(symbol, out var part)) return output.Write(symbol, position);
        position = WriteParts(part.Left, position, parts, ref output);
        return WriteParts(part.Right, position, parts, ref output);
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

    /// <summary>Turns merged symbols into tokens.</summary>
    private ref struct Output<TSink> where TSink : struct, ITokenSink
    {
        private readonly BpeEncoder _encoder;
        private readonly ReadOnlySpan<char> _text;
        private readonly ref TSink _sink;
        private bool _afterUnknown;

        public Output(BpeEncoder encoder, ReadOnlySpan<char> text, ref TSink sink)
        {
            _encoder = encoder;
            _text = text;
            _sink = ref sink;
        }

        /// <summary>Writes the token or tokens of the symbol that begins at a place.</summary>
        /// <returns>The place after it.</returns>
        public int Write(int symbol, int position)
        {
            var piece = symbol < 0 && symbol != UnknownCharacter ? ~symbol : symbol;
            var end = position + (piece >= 0 ? _encoder._lengths[piece] : CharacterLengthAt(position));
            if (piece >= 0 && _encoder._ids[piece] != _encoder._unkId)
            {
                _sink.Add(_encoder._ids[piece], Math.Max(position, 0), end);
                _afterUnknown = false;
            }
            else if (_encoder._byteIds is not null)
            {
                WriteBytes(_encoder._byteIds, position, end);
            }
            else
            {
                WriteUnknown(position, end);
            }
            return end;
        }

        private readonly void WriteBytes(int[] byteIds, int position, int end)
        {
            Span<byte> utf8 = stackalloc byte[4];
            while (position < end)
            {
                var length = CharacterLengthAt(position);
                var count = CharacterAt(position).EncodeToUtf8(utf8);
                var start = Math.Max(position, 0);
                position += length;
                for (var i = 0; i < count; i++) _sink.Add(byteIds[utf8[i]], start, i == count - 1 ? position : start);
            }
        }

        private void WriteUnknown(int position, int end)
        {
            if (_afterUnknown) _sink.ExtendLast(end);
            else _sink.Add(_encoder._unkId, Math.Max(position, 0), end);
            _afterUnknown = true;
        }

        private readonly int CharacterLengthAt(int position)
        {
            CharacterAt(position, out var length);
            return length;
        }

        private readonly Rune CharacterAt(int position) => CharacterAt(position, out _);

        private readonly Rune CharacterAt(int position, out int length)
        {
            length = 1;
            if (position < 0 || _text[position] == ' ') return new Rune(Vocabulary.Space);
            Rune.DecodeFromUtf16(_text[position..], out var character, out length);
            return character;
        }
    }

    /// <summary>A stretch of text that merges by itself: symbols, and for each the merge with the one before it.</summary>
    private ref struct Segment(Span<int> symbols, Span<Merge> merges)
    {
        private Span<int> _symbols = symbols;
        private Span<Merge> _merges = merges;
        private int[]? _rentedSymbols;
        private Merge[]? _rentedMerges;

        public int Count { get; private set; }

        public readonly Span<int> Symbols => _symbols[..Count];

        public readonly Span<Merge> Merges => _merges[..Count];

        public void Append(int symbol, Merge merge)
        {
            if (Count == Math.Min(_symbols.Length, _merges.Length)) Grow();
            _symbols[Count] = symbol;
            _merges[Count] = merge;
            Count++;
        }

        public void Clear() => Count = 0;

        public readonly void Dispose()
        {
            if (_rentedSymbols is not null) ArrayPool<int>.Shared.Return(_rentedSymbols);
            if (_rentedMerges is not null) ArrayPool<Merge>.Shared.Return(_rentedMerges);
        }

        private void Grow()
        {
            var (symbols, merges) = (ArrayPool<int>.Shared.Rent(2 * Count), ArrayPool<Merge>.Shared.Rent(2 * Count));
            Symbols.CopyTo(symbols);
            Merges.CopyTo(merges);
            Dispose();
            _symbols = _rentedSymbols = symbols;
            _merges = _rentedMerges = merges;
        }
    }
}
