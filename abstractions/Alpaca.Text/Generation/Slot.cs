namespace Alpaca.Text;

/// <summary>What is known of one slot of a decoder.</summary>
/// <param name="index">Where it is at first.</param>
internal sealed class Slot(int index)
{
    /// <summary>Where it is; changes when two slots change places.</summary>
    public int Index { get; set; } = index;

    /// <summary>Who is in it; <see langword="null"/> while it is free.</summary>
    public SlotSequence? Sequence { get; set; }

    /// <summary>The adapter under which it was filled.</summary>
    public int? Adapter { get; set; }

    /// <summary>When it was taken or left last, as a count of such events.</summary>
    public long LastUse { get; set; }

    /// <summary>The ids whose keys and values are there.</summary>
    public List<int> Held { get; } = [];

    /// <summary>Forgets all but the first ids.</summary>
    public void Truncate(int length) => Held.RemoveRange(length, Held.Count - length);
}
