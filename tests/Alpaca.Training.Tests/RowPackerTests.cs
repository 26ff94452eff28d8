using FsCheck.Xunit;

namespace Alpaca.Training.Tests;

public sealed class RowPackerTests
{
    [Property]
    public void Pack_AnyLengths_KeepsEverySampleOnceWithinCapacity(byte[] lengths)
    {
        var samples = lengths.Select((length, i) => Samples.Random(i, 2, 1 + length % 30)).ToList();

        var rows = RowPacker.Pack(samples, 40);

        rows.SelectMany(row => row.Samples).Should().BeEquivalentTo(samples, options => options.ComparingByValue<Alpaca.Text.SupervisedExample>());
        rows.All(row => row.Length <= 40).Should().BeTrue();
        // Two rows that fit into one would have been one.
        if (rows.Count > 1) rows.Select(row => row.Length).Order().Take(2).Sum().Should().BeGreaterThan(40);
    }

    [Fact]
    public void Pack_SamplesThatFillRowsExactly_LeavesNoPlaceFree()
    {
        int[] places = [10, 7, 6, 4, 3, 10];
        var rows = RowPacker.Pack([.. places.Select((n, i) => Samples.Random(i, 1, n))], 10);
        rows.Select(row => row.Length).Should().Equal(10, 10, 10, 10);
    }
}
