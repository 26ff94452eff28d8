using System.Runtime.InteropServices;

namespace Alpaca.Text;

/// <summary>Which sequence is in which slot of a decoder, and what slots without one still hold.</summary>
/// <param name="decoder">Its last slot is the spare one.</param>
/// <param name="reusePrefixes">Whether prompts take over what slots hold.</param>
internal sealed class SlotTable(IDecoder decoder, bool reusePrefixes)
{
    // A shorter prefix is computed again about as fast as it is copied.
    private const int ShortestPrefix = 8;

    private readonly Slot[] _slots = [.. Enumerable.Range(0, decoder.Slots - 1).Select(index => new Slot(index))];
    private long _uses;

    /// <summary>The slot that no sequence is ever in.</summary>
    public int Spare => _slots.Length;

    /// <summary>Sequences in slots.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a sequence can be placed.</summary>
    public bool HasRoom => Count < _slots.Length;

    /// <summary>The slots in their order.</summary>
    public ReadOnlySpan<Slot> Slots => _slots;

    /// <summary>Gives a sequence a slot, with as much of its prompt as some slot holds already.</summary>
    public void Place(SlotSequence sequence)
    {
        var (source, prefix) = LongestPrefix(sequence);
        var slot = source is not null && CanGiveUp(source, prefix) ? source : Oldest();
        if (slot != source) slot.Truncate(0);
        (slot.Sequence, sequence.Slot, slot.LastUse) = (sequence, slot, ++_uses);
        Count++;
        if (source is not null) TakeOver(sequence, source, prefix);
        slot.Adapter = sequence.Adapter;
    }

    /// <summary>Takes over more of a prompt, if a slot by now holds more of it than the sequence's own.</summary>
    public void Improve(SlotSequence sequence)
    {
        var (source, prefix) = LongestPrefix(sequence);
        if (source is not null && prefix >= sequence.Slot!.Held.Count + ShortestPrefix) TakeOver(sequence, source, prefix);
    }

    /// <summary>Whether an earlier sequence is about to read more of the same prompt than a later one has, so that waiting for it saves work.</summary>
    public bool IsWorthWaiting(SlotSequence later, SlotSequence earlier)
    {
        if (!reusePrefixes || !later.CanTakeOver || later.Adapter != earlier.Adapter) return false;
        return later.Ids[..^1].CommonPrefixLength(earlier.Ids) >= later.Slot!.Held.Count + ShortestPrefix;
    }

    /// <summary>Takes a sequence out of its slot, which keeps what it holds until another needs the room.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="isDamaged">Whether a pass over it failed, so that nobody can tell what the slot holds.</param>
    public void Remove(SlotSequence sequence, bool isDamaged = false)
    {
        var slot = sequence.Slot!;
        (slot.Sequence, sequence.Slot, slot.LastUse) = (null, null, ++_uses);
        Count--;
        if (isDamaged) slot.Truncate(0);
    }

    /// <summary>Forgets what all slots hold.</summary>
    public void Clear()
    {
        foreach (var slot in _slots) slot.Truncate(0);
    }

    /// <summary>Brings the sequences that are decoding to the first slots, those of one adapter beside each other.</summary>
    /// <param name="groups">Gets them: adapter, first slot, and how many.</param>
    public void Gather(List<(int? Adapter, int First, int Count)> groups)
    {
        groups.Clear();
        var first = 0;
        for (var adapter = -1; adapter < decoder.Adapters.Count; adapter++)
        {
            var wanted = adapter < 0 ? (int?)null : adapter;
            var count = 0;
            foreach (var slot in _slots)
            {
                if (IsOf(slot, wanted)) count++;
            }

            if (count == 0) continue;
            // What lies furthest back fills the gaps, so that few slots move.
            var last = _slots.Length - 1;
            for (var i = first; i < first + count; i++)
            {
                if (IsOf(_slots[i], wanted)) continue;
                while (!IsOf(_slots[last], wanted)) last--;
                Swap(i, last);
            }

            groups.Add((wanted, first, count));
            first += count;
        }
    }

    private static bool IsOf(Slot slot, int? adapter) => slot.Sequence is { IsDecoding: true } sequence && sequence.Adapter == adapter;

    private (Slot? Slot, int Length) LongestPrefix(SlotSequence sequence)
    {
        if (!reusePrefixes || !sequence.CanTakeOver) return default;
        // The last token of a prompt is always computed: its logits are what the answer begins with.
        var prompt = sequence.Ids[..^1];
        Slot? best = null;
        var longest = ShortestPrefix - 1;
        foreach (var slot in _slots)
        {
            if (slot.Adapter != sequence.Adapter || slot.Held.Count < longest) continue;
            var common = prompt.CommonPrefixLength(CollectionsMarshal.AsSpan(slot.Held));
            // A free slot needs no copy, so of equals it is the better one.
            if (common > longest || (common == longest && best?.Sequence is not null)) (best, longest) = (slot, common);
        }

        return best is null ? default : (best, longest);
    }

    private void TakeOver(SlotSequence sequence, Slot source, int prefix)
    {
        var slot = sequence.Slot!;
        if (slot != source)
        {
            slot.Truncate(0); // stays so if the copy fails
            decoder.Copy(source.Index, slot.Index, prefix);
            slot.Held.AddRange(CollectionsMarshal.AsSpan(source.Held)[..prefix]);
        }

        slot.Truncate(prefix);
        sequence.TakeOver(prefix);
    }

    /// <summary>Whether a slot goes over to a sequence as it is: nobody is in it, and little or nothing is lost, or there is no other.</summary>
    private bool CanGiveUp(Slot slot, int prefix) => slot.Sequence is null && (prefix * 2 >= slot.Held.Count || Count == _slots.Length - 1);

    /// <summary>The first empty slot, else the free one that has been without use for the longest time.</summary>
    private Slot Oldest()
    {
        Slot? oldest = null;
        foreach (var slot in _slots)
        {
            if (slot.Sequence is not null) continue;
            if (slot.Held.Count == 0) return slot;
            if (oldest is null || slot.LastUse < oldest.LastUse) oldest = slot;
        }

        return oldest!;
    }

    private void Swap(int a, int b)
    {
        var (lengthA, lengthB) = (_slots[a].Held.Count, _slots[b].Held.Count);
        if (lengthA > 0) decoder.Copy(a, Spare, lengthA);
        if (lengthB > 0) decoder.Copy(b, a, lengthB);
        if (lengthA > 0) decoder.Copy(Spare, b, lengthA);
        (_slots[a], _slots[b]) = (_slots[b], _slots[a]);
        (_slots[a].Index, _slots[b].Index) = (a, b);
    }
}
