using System.Runtime.InteropServices;
using FsCheck.Xunit;

namespace Alpaca.Formats.Tests.Tensors;

public sealed class TensorConversionTests
{
    [Fact]
    public void ToFloat32_EveryFloat16_EqualsTheRuntimesConversionAndSurvivesTheWayBack()
    {
        var halves = Enumerable.Range(0, 65536).Select(i => BitConverter.UInt16BitsToHalf((ushort)i)).ToArray();
        var floats = new float[halves.Length];

        TensorConversion.ToFloat32(DType.Float16, MemoryMarshal.AsBytes(halves.AsSpan()), floats);
        var back = new Half[halves.Length];
        TensorConversion.FromFloat32(DType.Float16, floats, MemoryMarshal.AsBytes(back.AsSpan()));

        for (var i = 0; i < halves.Length; i++)
        {
            if (Half.IsNaN(halves[i]))
            {
                BitConverter.SingleToInt32Bits(floats[i]).Should().Be(BitConverter.SingleToInt32Bits((float)halves[i]), "a NaN keeps its payload");
                Half.IsNaN(back[i]).Should().BeTrue();
            }
            else
            {
                BitConverter.SingleToInt32Bits(floats[i]).Should().Be(BitConverter.SingleToInt32Bits((float)halves[i]));
                BitConverter.HalfToUInt16Bits(back[i]).Should().Be((ushort)i);
            }
        }
    }

    [Fact]
    public void ToFloat32_EveryBFloat16_IsTheUpperHalfAndSurvivesTheWayBack()
    {
        var bits = Enumerable.Range(0, 65536).Select(i => (ushort)i).ToArray();
        var floats = new float[bits.Length];

        TensorConversion.ToFloat32(DType.BFloat16, MemoryMarshal.AsBytes(bits.AsSpan()), floats);
        var back = new ushort[bits.Length];
        TensorConversion.FromFloat32(DType.BFloat16, floats, MemoryMarshal.AsBytes(back.AsSpan()));

        for (var i = 0; i < bits.Length; i++)
        {
            BitConverter.SingleToUInt32Bits(floats[i]).Should().Be((uint)i << 16);
            back[i].Should().Be(float.IsNaN(floats[i]) ? (ushort)(i | 0x40) : (ushort)i);
        }
    }

    [Theory]
    [InlineData(1.0009765625f, 1.0009765625f)]                 // 1 + 2^-10, exact
    [InlineData(1.00048828125f, 1f)]                           // a tie: to even, down
    [InlineData(1.00146484375f, 1.001953125f)]                 // a tie: to even, up
    [InlineData(1.0004884f, 1.0009765625f)]                    // just above a tie
    [InlineData(65519.996f, 65504f)]                           // the largest that stays finite
    [InlineData(65520f, float.PositiveInfinity)]
    [InlineData(-1e30f, float.NegativeInfinity)]
    [InlineData(5.9604645e-8f, 5.9604645e-8f)]                 // the smallest subnormal
    [InlineData(2.9802322e-8f, 0f)]                            // half of it: a tie to zero
    [InlineData(2.98023259e-8f, 5.9604645e-8f)]                // just above half
    [InlineData(6.0975552e-5f, 6.0975552e-5f)]                 // the largest subnormal
    public void FromFloat32_Float16_RoundsToNearestEvenAndKeepsSubnormals(float value, float expected)
    {
        var result = new Half[1];

        TensorConversion.FromFloat32(DType.Float16, [value], MemoryMarshal.AsBytes(result.AsSpan()));

        ((float)result[0]).Should().Be(expected);
    }

    [Theory]
    [InlineData(0x3F80_8000u, 0x3F80)]                         // a tie: to even, down
    [InlineData(0x3F81_8000u, 0x3F82)]                         // a tie: to even, up
    [InlineData(0x3F80_8001u, 0x3F81)]
    [InlineData(0x7F7F_FFFFu, 0x7F80)]                         // the largest float32 becomes infinite
    [InlineData(0xFF80_0000u, 0xFF80)]                         // infinity
    [InlineData(0x0000_8001u, 0x0001)]                         // subnormal
    [InlineData(0x7F80_0001u, 0x7FC0)]                         // NaN stays NaN though its low bits are cut
    public void FromFloat32_BFloat16_RoundsToNearestEven(uint bits, ushort expected)
    {
        // Many at once, so that both the vectors and the rest at the end are met.
        var result = new ushort[67];

        TensorConversion.FromFloat32(DType.BFloat16, Enumerable.Repeat(BitConverter.UInt32BitsToSingle(bits), result.Length).ToArray(), MemoryMarshal.AsBytes(result.AsSpan()));

        result.Should().AllBeEquivalentTo(expected);
    }

    [Property(MaxTest = 2000)]
    public void FromFloat32_AnyBits_Float16IsTheNearest(uint bits)
    {
        // Many at once, so that the vectorised path is the one that runs.
        var value = BitConverter.UInt32BitsToSingle(bits);
        var values = Enumerable.Repeat(value, 37).ToArray();
        var result = new Half[values.Length];

        TensorConversion.FromFloat32(DType.Float16, values, MemoryMarshal.AsBytes(result.AsSpan()));

        result.Should().AllSatisfy(h => (float.IsNaN(value) ? Half.IsNaN(h) : BitConverter.HalfToUInt16Bits(h) == BitConverter.HalfToUInt16Bits((Half)value)).Should().BeTrue());
    }

    [Fact]
    public void ToFloat32_Integers_KeepTheirValue()
    {
        var floats = new float[2];

        TensorConversion.ToFloat32(DType.Int64, MemoryMarshal.AsBytes<long>([-7, 1L << 40]), floats);
        floats.Should().Equal(-7f, 1L << 40);
        TensorConversion.ToFloat32(DType.Int8, [0xFF, 0x7F], floats);
        floats.Should().Equal(-1f, 127f);
        TensorConversion.ToFloat32(DType.Bool, [0, 1], floats);
        floats.Should().Equal(0f, 1f);
        TensorConversion.ToFloat32(DType.Float64, MemoryMarshal.AsBytes<double>([0.1, 1e300]), floats);
        floats.Should().Equal(0.1f, float.PositiveInfinity);
    }

    [Fact]
    public void FromFloat32_IntegerType_IsRefused()
    {
        var act = () => TensorConversion.FromFloat32(DType.Int8, [1f], new byte[1]);

        act.Should().Throw<ArgumentOutOfRangeException>();
    }
}
