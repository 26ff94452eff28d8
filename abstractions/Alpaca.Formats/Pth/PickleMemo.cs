namespace Alpaca.Formats;

/// <summary>What a pickle remembers by number.</summary>
internal sealed class PickleMemo
{
    // Picklers count up from 0. A file may claim any place, which must not make room for all before it.
    private readonly List<object?> _dense = [];
    private readonly Dictionary<int, object?> _sparse = [];

    public int Count => _dense.Count + _sparse.Count;

    public void Put(int place, object? value)
    {
        if (place == _dense.Count && !_sparse.ContainsKey(place))
        {
            _dense.Add(value);
        }
        else if (place >= 0 && place < _dense.Count)
        {
            _dense[place] = value;
        }
        else
        {
            _sparse[place] = value;
        }
    }

    public bool TryGet(int place, out object? value)
    {
        if (place >= 0 && place < _dense.Count)
        {
            value = _dense[place];
            return true;
        }

        return _sparse.TryGetValue(place, out value);
    }
}
