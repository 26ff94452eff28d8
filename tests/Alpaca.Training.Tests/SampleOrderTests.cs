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

    private static List<int> Take(SampleOrder order, int from, int count) => [.. Enumerable.Range(from, count).Select(i => order[i])];
}
