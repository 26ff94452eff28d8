using System.Text;
using FsCheck;
using FsCheck.Xunit;

namespace Alpaca.Formats.Tests.Pth;

public sealed class Crc32Tests
{
    [Fact]
    public void Compute_CheckValueOfTheStandard_IsRight() => Crc32.Compute(Encoding.ASCII.GetBytes("123456789")).Should().Be(0xCBF43926);

    [Fact]
    public void Compute_Nothing_IsZero() => Crc32.Compute([]).Should().Be(0);

    [Property]
    public void Compute_AnyBytes_EqualsTheDefinition(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var i = 0; i < 8; i++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        Crc32.Compute(data).Should().Be(~crc);
    }

    [Property]
    public void Combine_AnyTwoParts_IsTheSumOfBoth(byte[] first, byte[] second) =>
        Crc32.Combine(Crc32.Compute(first), Crc32.Compute(second), second.Length).Should().Be(Crc32.Compute([.. first, .. second]));
}
