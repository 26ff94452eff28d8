namespace Alpaca.Training;

/// <summary>The endless sequence in which rows are trained: the data again and again, in its own order or in a new permutation each epoch.</summary>
/// <remarks>A function of the position alone, so that a resumed run goes on with the rows that the interrupted one would have taken.</remarks>
/// <param name="count">The number of rows, at least 1.</param>
/// <param name="shuffleSeed">The seed of the permutations, or <see langword="null"/> to keep the order of the data.</param>
internal sealed class SampleOrder(int count, int? shuffleSeed)
{
    private long _epoch = -1;
    private int[] _permutation = [];

    /// <summary>The index of the row at one position of the sequence.</summary>
    /// <param name="position">Counted from 0 over all epochs.</param>
    public int this[long position]
    {
        get
        {
            var (epoch, index) = Math.DivRem(position, count);
            if (shuffleSeed is not { } seed) return (int)index;
            if (epoch != _epoch)
            {
                _permutation = [.. Enumerable.Range(0, count)];
                new Random(Seeds.Derive(seed, "order", epoch)).Shuffle(_permutation);
                _epoch = epoch;
            }

            return _permutation[index];
        }
    }
}
