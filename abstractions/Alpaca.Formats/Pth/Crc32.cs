using System.Runtime.InteropServices;

namespace Alpaca.Formats;

/// <summary>CRC-32 as zip uses it (polynomial 0x04C11DB7, reflected), with a way to join the sums of neighbouring parts.</summary>
/// <remarks>Joining is what System.IO.Hashing lacks and what lets several threads write one member of a zip file.</remarks>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    // Table k advances a byte that k further bytes follow, so that eight bytes are taken in one step ("slicing by 8", Kounavis and Berry 2005).
    private static readonly uint[][] Tables = BuildTables();

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        var (t0, t1, t2, t3, t4, t5, t6, t7) = (Tables[0], Tables[1], Tables[2], Tables[3], Tables[4], Tables[5], Tables[6], Tables[7]);
        foreach (var eight in MemoryMarshal.Cast<byte, ulong>(data))
        {
            var low = (uint)eight ^ crc;
            var high = (uint)(eight >> 32);
            crc = t7[(byte)low] ^ t6[(byte)(low >> 8)] ^ t5[(byte)(low >> 16)] ^ t4[low >> 24]
                ^ t3[(byte)high] ^ t2[(byte)(high >> 8)] ^ t1[(byte)(high >> 16)] ^ t0[high >> 24];
        }

        foreach (var value in data[(data.Length & ~7)..])
        {
            crc = t0[(byte)(crc ^ value)] ^ (crc >> 8);
        }

        return ~crc;
    }

    /// <summary>The sum of two parts one after the other, from the sum of each.</summary>
    /// <remarks>Appending n zero bytes multiplies by x^(8n) modulo the polynomial; zlib's crc32_combine.</remarks>
    public static uint Combine(uint first, uint second, long secondLength)
    {
        // x^8 in reflected bit order, squared as the length's bits are consumed.
        var power = 0x0080_0000u;
        for (var n = secondLength; n != 0; n >>= 1)
        {
            if ((n & 1) != 0)
            {
                first = Multiply(first, power);
            }

            power = Multiply(power, power);
        }

        return first ^ second;
    }

    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (var bit = 0x8000_0000u; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0)
            {
                product ^= b;
            }

            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }

        return product;
    }

    private static uint[][] BuildTables()
    {
        var tables = Enumerable.Range(0, 8).Select(_ => new uint[256]).ToArray();
        for (uint i = 0; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
            }

            tables[0][i] = crc;
        }

        for (var k = 1; k < 8; k++)
        {
            for (var i = 0; i < 256; i++)
            {
                tables[k][i] = tables[0][(byte)tables[k - 1][i]] ^ (tables[k - 1][i] >> 8);
            }
        }

        return tables;
    }
}
