namespace Alpaca.Merging.Tests;

public sealed class LoraKernelTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(4, 16, 8)]
    [InlineData(5, 17, 3)]
    [InlineData(7, 33, 1)]
    [InlineData(64, 100, 64)]
    public void Add_AnyShape_IsTheDefinition(int rows, int columns, int rank)
    {
        var (weight, a, b) = (Values(rows * columns, 1), Values(rank * columns, 2), Values(rows * rank, 3));
        var expected = Reference.Merge(weight, a, b, rows, columns, rank, 0.75);

        LoraKernel.Add(weight, a, b, rows, columns, rank, 0.75f);

        for (var i = 0; i < expected.Length; i++)
        {
            ((double)weight[i]).Should().BeApproximately(expected[i], 1e-5);
        }
    }

    [Fact]
    public void Add_RowByRow_GivesTheBitsOfAllRowsAtOnce()
    {
        const int Rows = 11, Columns = 53, Rank = 6;
        var (weight, a, b) = (Values(Rows * Columns, 1), Values(Rank * Columns, 2), Values(Rows * Rank, 3));
        var atOnce = weight.ToArray();

        LoraKernel.Add(atOnce, a, b, Rows, Columns, Rank, 4f);
        for (var row = 0; row < Rows; row++)
        {
            LoraKernel.Add(weight.AsSpan(row * Columns, Columns), a, b.AsSpan(row * Rank, Rank), 1, Columns, Rank, 4f);
        }

        weight.Should().Equal(atOnce);
    }

    [Fact]
    public void Add_MatricesThatDoNotFit_IsAnArgumentError()
    {
        var act = () => LoraKernel.Add(new float[4], new float[2], new float[3], rows: 2, columns: 2, rank: 1, 1f);

        act.Should().Throw<ArgumentException>();
    }

    private static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}
