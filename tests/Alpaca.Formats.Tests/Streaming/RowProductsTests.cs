namespace Alpaca.Formats.Tests.Streaming;

public sealed class RowProductsTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 4, 64)]
    [InlineData(5, 8, 37)]
    [InlineData(3, 7, 129)]
    [InlineData(4, 3, 8)]
    public void Multiply_AnyShape_EqualsTheDefinition(int rows, int positions, int width)
    {
        const int FirstColumn = 2;
        var random = new Random(rows + positions + width);
        var weights = Enumerable.Range(0, rows * width).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var input = new Activations(positions, width);
        var output = new Activations(positions, rows + FirstColumn + 1);
        for (var i = 0; i < input.Values.Length; i++) input.Values[i] = random.NextSingle() - 0.5f;

        RowProducts.Multiply(weights, input, output, FirstColumn);

        for (var t = 0; t < positions; t++)
        {
            for (var row = 0; row < rows; row++)
            {
                double expected = 0;
                for (var i = 0; i < width; i++) expected += (double)weights[(row * width) + i] * input[t][i];
                ((double)output[t][FirstColumn + row]).Should().BeApproximately(expected, 1e-5);
            }

            output[t][..FirstColumn].ToArray().Should().OnlyContain(v => v == 0, "only the columns of the rows are written");
            output[t][^1].Should().Be(0);
        }
    }
}
