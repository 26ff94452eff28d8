using FsCheck.Xunit;

namespace Alpaca.Training.Tests;

public sealed class SampleOrderTests
{
    [Fact]
    public void Indexer_WithoutShuffle_WrapsAroundInOrder()
        => Take(new SampleOrder(3, null), 0, 7).Should().Equal(0, 1, 2, 0, 1, 2, 0);

    [Property]
    public void Indexer_WithShuffle_IsAPermutationInEachEpoch(byte count, int seed)
    {
        var n = count + 1;
        var order = new SampleOrder(n, seed);
        Take(order, 0, n).Order().Should().Equal(Enumerable.Range(0, n));
        Take(order, n, n).Order().Should().Equal(Enumerable.Range(0, n));
    }

    [Fact]
    public void Indexer_WithShuffle_DiffersBetweenEpochsAndSeeds()
    {
        var epoch = Take(new SampleOrder(100, 1), 0, 100);
        Take(new SampleOrder(100, 1), 100, 100).Should().NotEqual(epoch);
        Take(new SampleOrder(100, 2), 0, 100).Should().NotEqual(epoch);
    }

    [Fact]
    public void Indexer_EnteredInTheMiddle_GoesOnAsFromTheStart()
        => Take(new SampleOrder(10, 5), 17, 20).Should().Equal(Take(new SampleOrder(10, 5), 0, 37).Skip(17));

    [Property]
    public void Indexer_GroupedByLength_IsAPermutationInEachEpoch(byte count, byte batchSize, int seed)
    {
        var n = count + 1;
        var order = new SampleOrder([.. Lengths(n)], seed, batchSize + 1);
        Take(order, 0, n).Order().Should().Equal(Enumerable.Range(0, n));
        Take(order, n, n).Order().Should().Equal(Enumerable.Range(0, n));
        Take(new SampleOrder([.. Lengths(n)], seed, batchSize + 1), n, n).Should().Equal(Take(order, n, n));
    }

    [Fact]
    public void Indexer_GroupedByLength_LeavesLittlePadding()
    {
        int[] lengths = [.. Lengths(1000)];
        var grouped = Padding(Take(new SampleOrder(lengths, 1, 8), 0, 1000));
        var shuffled = Padding(Take(new SampleOrder(1000, 1), 0, 1000));

        grouped.Should().BeLessThan(lengths.Sum() / 20);
        shuffled.Should().BeGreaterThan(5 * grouped);

        // Long batches do not all come first.
        var firsts = Take(new SampleOrder(lengths, 1, 8), 0, 1000).Chunk(8).Select(batch => lengths[batch[0]]).ToList();
        firsts.Zip(firsts.Skip(1)).Count(pair => pair.Second > pair.First).Should().BeInRange(30, 95);

        int Padding(List<int> order) => order.Chunk(8).Sum(batch => batch.Sum(row => batch.Max(other => lengths[other]) - lengths[row]));
    }

    private static IEnumerable<int> Lengths(int count)
    {
        var random = new Random(count);
        return Enumerable.Range(0, count).Select(_ => random.Next(10, 500));
    }

    private static List<int> Take(SampleOrder order, int from, int count) => [.. Enumerable.Range(from, count).Select(i => order[i])];
}
