namespace Alpaca.Text;

/// <summary>A priority queue of merges within memory of a fixed size.</summary>
/// <remarks>
/// Most of what comes out is known at the start. That is sorted once and then read in order, at the end of the memory; only what is put in on the way goes through a
/// binary heap, which takes the room that reading has left behind. When the sorted part is used up, the heap is sorted in its turn.
/// </remarks>
/// <param name="memory">Room for the keys; it limits how many there can be.</param>
internal ref struct MergeAgenda(Span<ulong> memory)
{
    private readonly Span<ulong> _memory = memory;
    private int _heapCount;
    private int _sortedStart = memory.Length;

    /// <summary>Starts anew, with nothing in it.</summary>
    public void Clear() => (_heapCount, _sortedStart) = (0, _memory.Length);

    /// <summary>Adds a key while filling; <see cref="Sort"/> ends the filling.</summary>
    public void Append(ulong key) => _memory[_heapCount++] = key;

    /// <summary>Puts all that was appended in order.</summary>
    public void Sort()
    {
        var keys = _memory[.._heapCount];
        keys.Sort();
        _sortedStart = _memory.Length - _heapCount;
        keys.CopyTo(_memory[_sortedStart..]);
        _heapCount = 0;
    }

    /// <summary>Adds a key.</summary>
    /// <returns>Whether there was room for it.</returns>
    public bool TryPush(ulong key)
    {
        if (_heapCount == _sortedStart) return false;
        var place = _heapCount++;
        while (place > 0)
        {
            var parent = (place - 1) / 2;
            if (_memory[parent] <= key) break;
            _memory[place] = _memory[parent];
            place = parent;
        }
        _memory[place] = key;
        return true;
    }

    /// <summary>Takes the lowest key out.</summary>
    /// <returns>Whether there was any.</returns>
    public bool TryPop(out ulong key)
    {
        if (_sortedStart == _memory.Length) Sort();
        if (_heapCount > 0 && _memory[0] < _memory[_sortedStart])
        {
            key = PopHeap();
            return true;
        }
        var isThere = _sortedStart < _memory.Length;
        key = isThere ? _memory[_sortedStart++] : 0;
        return isThere;
    }

    private ulong PopHeap()
    {
        var (lowest, last) = (_memory[0], _memory[--_heapCount]);
        var place = 0;
        for (var child = 1; child < _heapCount; child = (2 * place) + 1)
        {
            if (child + 1 < _heapCount && _memory[child + 1] < _memory[child]) child++;
            if (last <= _memory[child]) break;
            _memory[place] = _memory[child];
            place = child;
        }
        _memory[place] = last;
        return lowest;
    }
}
