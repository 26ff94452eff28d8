using System.Buffers;
using System.Text;

namespace Alpaca.Text;

/// <summary>Byte-level byte-pair encoding, exact to the id.</summary>
/// <remarks>
/// <para>The text is cut into words (<see cref="Llama3Words"/>). In the UTF-8 bytes of each, of all neighbours that merge those with the lowest rank do, the leftmost of equals,
/// until none are left. Short words are merged by scanning, long ones with a heap, so that the time is O(n log n) whatever the text.</para>
/// <para>Safe to use from several threads.</para>
/// </remarks>
internal sealed class ByteLevelEncoder
{
    // Chinese without punctuation is one word, so there are long ones.
    private const int ShortWord = 96;

    private const int NoRank = int.MaxValue;

    private readonly Dictionary<ulong, (int Rank, int Whole)> _merges;
    private readonly Dictionary<string, int>? _words;
    private readonly int _longestPiece;
    private readonly int[] _byteIds;
    private readonly int[] _lengths;

    /// <param name="vocabulary">The pieces and merges.</param>
    public ByteLevelEncoder(ByteLevelVocabulary vocabulary)
    {
        var pieces = vocabulary.Pieces;
        _lengths = [.. pieces.Select(piece => piece.Length)];
        _longestPiece = _lengths.Max();
        _merges = new Dictionary<ulong, (int, int)>(vocabulary.Merges.Count);
        foreach (var (left, right, whole, rank) in vocabulary.Merges) _merges.TryAdd(Key(left, right), (rank, whole));
        _byteIds = new int[256];
        for (var id = 0; id < pieces.Count; id++)
        {
            if (pieces[id].Length == 1) _byteIds[ByteAlphabet.Decode(pieces[id])![0]] = id;
        }
        if (vocabulary.TakesWholeWords) _words = vocabulary.Ids;
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="sink">Gets the tokens, in order.</param>
    public void Encode<TSink>(ReadOnlySpan<char> text, ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        Span<byte> shortWord = stackalloc byte[ShortWord];
        for (int position = 0, length; position < text.Length; position += length)
        {
            var rest = text[position..];
            length = Llama3Words.FirstLength(rest);
            var word = rest[..length];
            if (length <= ShortWord / 3)
            {
                EncodeWord(shortWord[..Encoding.UTF8.GetBytes(word, shortWord)], position, ref sink);
                continue;
            }
            var rented = ArrayPool<byte>.Shared.Rent(3 * length);
            EncodeWord(rented.AsSpan(0, Encoding.UTF8.GetBytes(word, rented)), position, ref sink);
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void EncodeWord<TSink>(scoped ReadOnlySpan<byte> word, int position, scoped ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        if (FindWhole(word) is { } id)
        {
            Write(id, word, 0, ref position, ref sink);
            return;
        }
        int[]? rented = null;
        var ids = word.Length <= ShortWord ? stackalloc int[word.Length] : (rented = ArrayPool<int>.Shared.Rent(word.Length)).AsSpan(0, word.Length);
        for (var i = 0; i < ids.Length; i++) ids[i] = _byteIds[word[i]];
        ids = ids[..(rented is null ? MergeShort(ids) : MergeLong(ids))];
        var at = 0;
        foreach (var piece in ids) at = Write(piece, word, at, ref position, ref sink);
        if (rented is not null) ArrayPool<int>.Shared.Return(rented);
    }

    private int? FindWhole(ReadOnlySpan<byte> word)
    {
        if (word.Length == 1) return _byteIds[word[0]];
        if (_words is null || word.Length > _longestPiece) return null;
        Span<char> text = word.Length <= 256 ? stackalloc char[word.Length] : new char[word.Length];
        for (var i = 0; i < text.Length; i++) text[i] = ByteAlphabet.Encode(word[i]);
        return _words.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out var id) ? id : null;
    }

    /// <summary>Merges by looking for the best pair anew each time; the quickest way for a word.</summary>
    /// <returns>How many ids are left, at the front.</returns>
    private int MergeShort(Span<int> ids)
    {
        var count = ids.Length;
        Span<int> ranks = stackalloc int[count]; // of each with the one after it
        for (var i = 0; i < count; i++) ranks[i] = RankAt(ids[..count], i);
        while (true)
        {
            var (best, rank) = (-1, NoRank);
            for (var i = 0; i < count - 1; i++)
            {
                if (ranks[i] < rank) (best, rank) = (i, ranks[i]);
            }
            if (best < 0) return count;
            ids[best] = _merges[Key(ids[best], ids[best + 1])].Whole;
            ids[(best + 2)..count].CopyTo(ids[(best + 1)..]);
            ranks[(best + 2)..count].CopyTo(ranks[(best + 1)..]);
            count--;
            ranks[best] = RankAt(ids[..count], best);
            if (best > 0) ranks[best - 1] = RankAt(ids[..count], best - 1);
        }
    }

    private int RankAt(ReadOnlySpan<int> ids, int index) => index + 1 < ids.Length ? RankOf(ids[index], ids[index + 1]) : NoRank;

    /// <summary>Merges with an agenda.</summary>
    /// <returns>How many ids are left, at the front.</returns>
    private int MergeLong(Span<int> ids)
    {
        const int Absorbed = -1;
        var (previous, next) = (new int[ids.Length], new int[ids.Length]);
        var agenda = new PriorityQueue<(int Left, int LeftId, int Right, int RightId), (int Rank, int Position)>(ids.Length);
        for (var i = 0; i < ids.Length; i++)
        {
            (previous[i], next[i]) = (i - 1, i + 1);
            if (i > 0) Propose(i - 1, i, ids);
        }
        while (agenda.TryDequeue(out var pair, out _))
        {
            // What is not there any more as it was when the pair was proposed has merged otherwise.
            if (ids[pair.Left] != pair.LeftId || next[pair.Left] != pair.Right || ids[pair.Right] != pair.RightId) continue;
            ids[pair.Left] = _merges[Key(pair.LeftId, pair.RightId)].Whole;
            ids[pair.Right] = Absorbed;
            var after = next[pair.Left] = next[pair.Right];
            if (after < ids.Length)
            {
                previous[after] = pair.Left;
                Propose(pair.Left, after, ids);
            }
            if (previous[pair.Left] >= 0) Propose(previous[pair.Left], pair.Left, ids);
        }
        var count = 0;
        for (var i = 0; i < ids.Length; i = next[i]) ids[count++] = ids[i];
        return count;

        void Propose(int left, int right, ReadOnlySpan<int> ids)
        {
            if (RankOf(ids[left], ids[right]) is < NoRank and var rank) agenda.Enqueue((left, ids[left], right, ids[right]), (rank, left));
        }
    }

    private int RankOf(int left, int right) => _merges.TryGetValue(Key(left, right), out var merge) ? merge.Rank : NoRank;

    /// <summary>Writes a token.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="word">The bytes of the word.</param>
    /// <param name="at">Where the token begins in them.</param>
    /// <param name="position">The place in the text up to which characters are complete; advances past those that the token completes.</param>
    /// <param name="sink">Gets the token.</param>
    /// <returns>Where the token ends in the word.</returns>
    private int Write<TSink>(int id, scoped ReadOnlySpan<byte> word, int at, scoped ref int position, scoped ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        var (start, end) = (position, at + _lengths[id]);
        for (; at < end; at++)
        {
            if (at + 1 < word.Length && IsContinuation(word[at + 1])) continue;
            // The last byte of a character: one of four bytes has two code units.
            position += at >= 3 && IsContinuation(word[at]) && IsContinuation(word[at - 1]) && IsContinuation(word[at - 2]) ? 2 : 1;
        }
        sink.Add(id, start, position);
        return end;
    }

    private static bool IsContinuation(byte value) => value is >= 0x80 and < 0xC0;

    /// <summary>A number for each pair, mixed: a dictionary's hash of a 64-bit number is its halves' exclusive or, which neighbours would share.</summary>
    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32 | (uint)right) * 0x9E37_79B9_7F4A_7C15;
}
