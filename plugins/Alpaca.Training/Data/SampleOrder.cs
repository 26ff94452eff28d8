namespace Alpaca.Training;

/// <summary>The endless sequence in which rows are trained: the data again and again, in its own order or in a new permutation each epoch.</summary>
/// <remarks>A function of the position alone, so that a resumed run goes on with the rows that the interrupted one would have taken.</remarks>
internal sealed class SampleOrder
{
    // As many batches are sorted together as in Hugging Face's LengthGroupedSampler: enough for neighbours of equal length, few enough to keep the order random.
    private const int BatchesSortedTogether = 50;

    private readonly int _count;
    private readonly int? _shuffleSeed;
    private readonly IReadOnlyList<int>? _lengths;
    private readonly int _batchSize;
    private long _epoch = -1;
    private int[] _permutation = [];

    /// <param name="count">The number of rows, at least 1.</param>
    /// <param name="shuffleSeed">The seed of the permutations, or <see langword="null"/> to keep the order of the data.</param>
    public SampleOrder(int count, int? shuffleSeed) => (_count, _shuffleSeed) = (count, shuffleSeed);

    /// <summary>An order in which the rows of a batch are of similar length, the batches still being in random order.</summary>
    /// <param name="lengths">The length of each row, at least one.</param>
    /// <param name="shuffleSeed">The seed of the permutations.</param>
    /// <param name="batchSize">Rows of a forward pass.</param>
    public SampleOrder(IReadOnlyList<int> lengths, int shuffleSeed, int batchSize)
        : this(lengths.Count, shuffleSeed) => (_lengths, _batchSize) = (lengths, batchSize);

    /// <summary>The index of the row at one position of the sequence.</summary>
    /// <param name="position">Counted from 0 over all epochs.</param>
    public int this[long position]
    {
        get
        {
            var (epoch, index) = Math.DivRem(position, _count);
            if (_shuffleSeed is not { } seed) return (int)index;
            if (epoch != _epoch)
            {
                var random = new Random(Seeds.Derive(seed, "order", epoch));
                _permutation = [.. Enumerable.Range(0, _count)];
                random.Shuffle(_permutation);
                if (_lengths is not null) _permutation = GroupByLength(_permutation, _lengths, _batchSize, random);
                _epoch = epoch;
            }

            return _permutation[index];
        }
    }

    private static int[] GroupByLength(int[] permutation, IReadOnlyList<int> lengths, int batchSize, Random random)
    {
        var batches = permutation.Chunk(batchSize * BatchesSortedTogether)
            .SelectMany(rows => rows.OrderByDescending(row => lengths[row]).Chunk(batchSize))
            .ToList();
        // An incomplete batch stays at the end, where it does not shift the others.
        var whole = batches.Where(batch => batch.Length == batchSize).ToArray();
        random.Shuffle(whole);
        return [.. whole.Concat(batches.Where(batch => batch.Length < batchSize)).SelectMany(batch => batch)];
    }
}
