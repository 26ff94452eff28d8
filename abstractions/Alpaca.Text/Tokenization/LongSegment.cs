using System.Buffers;

namespace Alpaca.Text;

/// <summary>Merges a stretch of text of any length in O(n log n), with 14 bytes for each of its characters.</summary>
/// <remarks>
/// The symbols lie in an array with one slot per character and are not linked: a symbol is in the first slot of its characters, the last one says how many there are,
/// and the length of a symbol is known anyway.
/// </remarks>
internal ref struct LongSegment
{
    // Larger arrays are not kept for the next text.
    private const int MaxPooledLength = 1 << 22;

    // Slots that are inside a symbol. A last one is this and the number of characters added.
    private const int Inside = int.MinValue + 1;

    private readonly MergeTable _merges;
    private readonly ushort[] _characterCounts;
    private readonly UnusedParts? _unused;
    private readonly int[] _rentedSlots;
    private readonly ulong[] _rentedKeys;
    private readonly Span<int> _slots;
    private MergeAgenda _agenda;

    /// <param name="count">How many symbols, 1 or more.</param>
    /// <param name="merges">Which pairs merge.</param>
    /// <param name="characterCounts">How many characters each symbol is made of; at most <see cref="Vocabulary.MaxMergedLength"/>.</param>
    /// <param name="unused">If given, is told what unused pieces are put together from.</param>
    public LongSegment(int count, MergeTable merges, ushort[] characterCounts, UnusedParts? unused)
    {
        (_merges, _characterCounts, _unused) = (merges, characterCounts, unused);
        _rentedSlots = Rent<int>(count);
        _slots = _rentedSlots.AsSpan(0, count);
        // A merge takes one key out and puts two in, but makes the keys of two pairs void: a quarter more than there are pairs is refilled four times at most.
        var capacity = count + (count / 4) + 1;
        _rentedKeys = Rent<ulong>(capacity);
        _agenda = new MergeAgenda(_rentedKeys.AsSpan(0, capacity));
    }

    /// <summary>The symbols to merge, one per character; negative ones are kept. Afterwards to be read with <see cref="Next"/>.</summary>
    public readonly Span<int> Slots => _slots;

    /// <summary>Merges until no pair is left that does.</summary>
    public void Merge()
    {
        Fill(isFirst: true);
        while (_agenda.TryPop(out var key))
        {
            // What a key stands for is looked up when it comes up: if the pair has changed meanwhile, either its rank differs and the key is void, or the rank is the
            // same and the key is just as good for the new pair.
            var left = (int)(uint)key;
            var right = Next(left);
            if (_slots[left] < 0 || right >= _slots.Length) continue;
            if (!_merges.TryGet(_slots[left], _slots[right], out var merge) || merge.Rank != (int)(key >> 32) || merge.Rank == MergeTable.NoRank) continue;

            _slots[left] = merge.Symbol;
            _slots[right] = Inside;
            var next = Next(left);
            _slots[next - 1] = Inside + _characterCounts[merge.Symbol];
            var hadRoom = left == 0 || TryOffer(Previous(left), left);
            hadRoom &= next == _slots.Length || TryOffer(left, next);
            if (!hadRoom) Fill(isFirst: false);
        }
    }

    /// <summary>The slot of the symbol after the one in a slot.</summary>
    public readonly int Next(int slot) => slot + (_slots[slot] >= 0 ? _characterCounts[_slots[slot]] : 1);

    public readonly void Dispose()
    {
        Return(_rentedSlots);
        Return(_rentedKeys);
    }

    private readonly int Previous(int slot)
    {
        var last = _slots[slot - 1];
        return last is > Inside and <= Inside + Vocabulary.MaxMergedLength ? slot - (last - Inside) : slot - 1;
    }

    // The key is (rank, left symbol's slot).
    private static ulong Key(Merge merge, int left) => (ulong)(uint)merge.Rank << 32 | (uint)left;

    private void Fill(bool isFirst)
    {
        _agenda.Clear();
        for (int left = 0, right; (right = Next(left)) < _slots.Length; left = right)
        {
            if (!_merges.TryGet(_slots[left], _slots[right], out var merge) || merge.Rank == MergeTable.NoRank) continue;
            _agenda.Append(Key(merge, left));
            if (isFirst) _unused?.Record(merge.Symbol, _slots[left], _slots[right]);
        }
        _agenda.Sort();
    }

    private bool TryOffer(int left, int right)
    {
        if (!_merges.TryGet(_slots[left], _slots[right], out var merge) || merge.Rank == MergeTable.NoRank) return true;
        _unused?.Record(merge.Symbol, _slots[left], _slots[right]);
        return _agenda.TryPush(Key(merge, left));
    }

    private static T[] Rent<T>(int length) => length <= MaxPooledLength ? ArrayPool<T>.Shared.Rent(length) : GC.AllocateUninitializedArray<T>(length);

    private static void Return<T>(T[] array)
    {
        if (array.Length <= MaxPooledLength) ArrayPool<T>.Shared.Return(array);
    }
}
