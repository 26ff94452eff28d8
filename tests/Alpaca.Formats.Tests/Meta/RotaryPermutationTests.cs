using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Alpaca.Formats.Tests.Meta;

public sealed class RotaryPermutationTests
{
    [Fact]
    public void PairsToHalves_HeadOfFour_IsTheOrder0213()
    {
        var halves = new byte[8];

        RotaryPermutation.PairsToHalves([0, 1, 2, 3, 4, 5, 6, 7], halves, headDim: 4, rowBytes: 1);

        halves.Should().Equal(0, 2, 1, 3, 4, 6, 5, 7);
    }

    [Property(Arbitrary = [typeof(Heads)])]
    public void HalvesToPairs_AfterPairsToHalves_IsTheIdentity(HeadShape shape)
    {
        var rows = Rows(shape);
        byte[] halves = new byte[rows.Length], back = new byte[rows.Length];

        RotaryPermutation.PairsToHalves(rows, halves, shape.HeadDim, shape.RowBytes);
        RotaryPermutation.HalvesToPairs(halves, back, shape.HeadDim, shape.RowBytes);

        back.AsSpan().SequenceEqual(rows).Should().BeTrue();
    }

    /// <summary>view(heads, headDim/2, 2, columns).transpose(1, 2), index by index.</summary>
    [Property(Arbitrary = [typeof(Heads)])]
    public void PairsToHalves_AnyHeads_IsTheTransposition(HeadShape shape)
    {
        var rows = Rows(shape);
        byte[] actual = new byte[rows.Length], expected = new byte[rows.Length];
        var half = shape.HeadDim / 2;
        for (var h = 0; h < shape.Heads; h++)
        {
            for (var j = 0; j < half; j++)
            {
                for (var i = 0; i < 2; i++)
                {
                    var from = (((((h * half) + j) * 2) + i) * shape.RowBytes)..;
                    var to = (((((h * 2) + i) * half) + j) * shape.RowBytes)..;
                    rows.AsSpan(from)[..shape.RowBytes].CopyTo(expected.AsSpan(to));
                }
            }
        }

        RotaryPermutation.PairsToHalves(rows, actual, shape.HeadDim, shape.RowBytes);

        actual.AsSpan().SequenceEqual(expected).Should().BeTrue();
    }

    [Fact]
    public void PairsToHalves_PartOfAHead_IsRefused()
    {
        var act = () => RotaryPermutation.PairsToHalves(new byte[6], new byte[6], headDim: 4, rowBytes: 1);

        act.Should().Throw<ArgumentException>();
    }

    private static byte[] Rows(HeadShape shape)
    {
        var rows = new byte[shape.Heads * shape.HeadDim * shape.RowBytes];
        new Random(shape.Heads).NextBytes(rows);
        return rows;
    }

    public sealed record HeadShape(int Heads, int HeadDim, int RowBytes);

    public static class Heads
    {
        public static Arbitrary<HeadShape> Shapes() =>
            (from heads in Gen.Elements(1, 2, 8, 32, 40, 52, 64)
             from headDim in Gen.Elements(4, 128)
             from rowBytes in Gen.Elements(1, 2, 6)
             select new HeadShape(heads, headDim, rowBytes)).ToArbitrary();
    }
}
