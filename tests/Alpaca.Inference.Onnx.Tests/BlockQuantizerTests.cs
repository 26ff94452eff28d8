using Alpaca.Formats;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class BlockQuantizerTests
{
    /// <summary>Every kind of block, with columns that fill blocks and that do not.</summary>
    public static TheoryData<int, int, bool, int> Formats
    {
        get
        {
            var data = new TheoryData<int, int, bool, int>();
            foreach (var bits in (int[])[4, 8])
                foreach (var block in (int[])[16, 32, 128, 256])
                    foreach (var symmetric in (bool[])[true, false])
                        foreach (var columns in (int[])[256, 700, 33]) data.Add(bits, block, symmetric, columns);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Quantize_Row_IsNoFurtherFromItThanTheUsualFormula(int bits, int block, bool symmetric, int columns)
    {
        var format = new BlockFormat(bits, block, symmetric);
        var row = Row(columns, seed: bits + block + columns);

        var error = SquaredError(row, RoundTrip(format, row, DType.Float32));

        error.Should().BeGreaterThan(0).And.BeLessThanOrEqualTo(SquaredError(row, Formula(format, row)) * 1.0001);
    }

    [Fact]
    public void Quantize_FourBits_RemovesATenthOfTheFormulasError()
    {
        var row = Row(4096, seed: 1);
        var format = new BlockFormat(4, 32, Symmetric: true);

        SquaredError(row, RoundTrip(format, row, DType.Float32)).Should().BeLessThan(0.9 * SquaredError(row, Formula(format, row)));
    }

    [Theory]
    [InlineData(32)]
    [InlineData(128)]
    public void Quantize_ScalesOfBFloat16_AreThoseAndCostNoMoreThanAHundredth(int block)
    {
        var row = Row(4096, seed: 1);
        var format = new BlockFormat(4, block, Symmetric: true);

        Quantize(format, row, DType.BFloat16).Scales.Should().OnlyContain(scale => (BitConverter.SingleToUInt32Bits(scale) & 0xFFFF) == 0);
        SquaredError(row, RoundTrip(format, row, DType.BFloat16)).Should().BeLessThan(1.01 * SquaredError(row, RoundTrip(format, row, DType.Float32)));
    }

    [Property(MaxTest = 100)]
    public Property Quantize_AnyValues_StayWithinAStepOfThemselves() => Prop.ForAll(
        Gen.Choose(1, 100).ToArbitrary(), Gen.Choose(0, 1 << 20).ToArbitrary(), Gen.Choose(-30, 30).ToArbitrary(),
        (columns, seed, exponent) =>
        {
            var row = Array.ConvertAll(Row(columns, seed), value => MathF.ScaleB(value, exponent));
            return new[] { 4, 8 }.All(bits => new[] { true, false }.All(symmetric =>
            {
                var read = RoundTrip(new BlockFormat(bits, 32, symmetric), row, DType.Float32);
                return row.Chunk(32).Zip(read.Chunk(32)).All(pair =>
                {
                    var largest = pair.First.Max(Math.Abs);
                    return pair.First.Zip(pair.Second).All(v => Math.Abs(v.First - v.Second) <= largest * 2.5f / (1 << (bits - 1)));
                });
            }));
        });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Quantize_Zeros_AreReadBackAsZeros(bool symmetric)
        => RoundTrip(new BlockFormat(4, 32, symmetric), new float[70], DType.Float16).Should().OnlyContain(value => value == 0);

    [Theory]
    [InlineData(1e-42f)] // whose reciprocal is infinite
    [InlineData(1e-9f)]  // whose scale is zero in float16
    [InlineData(3e38f)]
    public void Quantize_ExtremeMagnitudes_StayFinite(float magnitude)
    {
        var row = Row(64, seed: 3).Select(value => Math.Clamp(value, -1, 1) * magnitude).ToArray();

        foreach (var symmetric in (bool[])[true, false])
            RoundTrip(new BlockFormat(4, 32, symmetric), row, magnitude < 1 ? DType.Float16 : DType.BFloat16).Should().OnlyContain(value => float.IsFinite(value) && Math.Abs(value) <= 1.3f * magnitude);
    }

    [Fact]
    public void Quantize_RowOfWholeSteps_HasTheLayoutOfTheOperator()
    {
        // Element of largest magnitude -8: scale 1, so elements are k - 8, the even ones in the low halves.
        float[] row = [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7];
        var (data, scales, _) = Quantize(new BlockFormat(4, 16, Symmetric: true), row, DType.Float32);

        scales.Should().Equal(1);
        data.Should().Equal(0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE);
    }

    [Fact]
    public void Quantize_AsymmetricRow_PacksZeroPointsLowHalfFirstAndPadsWithThem()
    {
        // 0..15: zero point 0; -15..0: zero point 15; the third block has one element.
        float[] row = [.. Enumerable.Range(0, 16), .. Enumerable.Range(-15, 16), 15];
        var (data, scales, zeroPoints) = Quantize(new BlockFormat(4, 16, Symmetric: false), row, DType.Float32);

        scales.Take(2).Should().Equal(1, 1);
        zeroPoints[0].Should().Be(0xF0);
        zeroPoints.Should().HaveCount(2);
        var padding = zeroPoints[1] & 0xF;
        data[16..].Skip(1).Should().OnlyContain(pair => pair == (padding | (padding << 4)));
    }

    private static float[] RoundTrip(BlockFormat format, float[] row, DType scaleType)
    {
        var (data, scales, zeroPoints) = Quantize(format, row, scaleType);
        var read = new float[row.Length];
        BlockDequantizer.Dequantize(format, data, scales, zeroPoints, read);
        return read;
    }

    private static (byte[] Data, float[] Scales, byte[] ZeroPoints) Quantize(BlockFormat format, float[] row, DType scaleType)
    {
        var (data, scales) = (new byte[format.RowBytes(row.Length)], new float[format.Blocks(row.Length)]);
        var zeroPoints = format.Symmetric ? [] : new byte[format.ZeroPointBytes(row.Length)];
        new BlockQuantizer(format, scaleType).Quantize(row, data, scales, zeroPoints);
        return (data, scales, zeroPoints);
    }

    /// <summary>What ONNX Runtime's own quantizer makes of a row, read back.</summary>
    private static float[] Formula(BlockFormat format, float[] row) => [.. row.Chunk(format.BlockSize).SelectMany(block =>
    {
        var extreme = block.MaxBy(Math.Abs);
        var (least, most) = (Math.Min(0, block.Min()), Math.Max(0, block.Max()));
        var scale = format.Symmetric ? -extreme / format.Middle : (most - least) / format.Largest;
        var zeroPoint = format.Symmetric ? format.Middle : (int)MathF.Round(-least / scale, MidpointRounding.AwayFromZero);
        return block.Select(value => (Math.Clamp((int)MathF.Round((value / scale) + zeroPoint, MidpointRounding.AwayFromZero), 0, format.Largest) - zeroPoint) * scale);
    })];

    private static double SquaredError(float[] row, float[] read) => row.Zip(read, (a, b) => Math.Pow(a - b, 2)).Sum();

    private static float[] Row(int columns, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, columns).Select(_ => MathF.Sqrt(-2 * MathF.Log(1 - random.NextSingle())) * MathF.Cos(MathF.Tau * random.NextSingle()))];
    }
}
