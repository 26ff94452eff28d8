using System.Buffers.Binary;

namespace Alpaca.TestSupport;

/// <summary>Damages bytes in the ways that find bugs in readers. The same <see cref="Random"/> gives the same damage.</summary>
internal static class Mutation
{
    // What length, count and offset fields are changed to.
    private static readonly long[] Extremes =
        [0, 1, -1, 2, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, 1L << 40, 1L << 62, long.MaxValue, long.MinValue];

    private static readonly string[] Numbers =
    [
        "0", "1", "-1", "2", "64", "255", "65536", "2147483647", "2147483648", "4294967296", "4611686018427387904", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "18446744073709551616", "1.5", "1e3", "1e999", "-0", "00", "null", "[]", "{}", "\"7\"", "",
    ];

    /// <summary>One to three changes.</summary>
    /// <param name="whole">A sound file; not changed.</param>
    /// <param name="other">Another one, to splice parts from.</param>
    /// <param name="random">Chooses.</param>
    public static byte[] Of(byte[] whole, byte[] other, Random random)
    {
        var bytes = whole;
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            bytes = Once(bytes, other, random);
        }

        return bytes;
    }

    private static byte[] Once(byte[] bytes, byte[] other, Random random)
    {
        if (bytes.Length == 0)
        {
            return other[..random.Next(other.Length)];
        }

        var at = random.Next(bytes.Length);
        var length = random.Next(1, Math.Min(bytes.Length - at, 64) + 1);
        var from = random.Next(other.Length);
        switch (random.Next(12))
        {
            case 0: return Set(bytes, at, (byte)(bytes[at] ^ (1 << random.Next(8))));
            case 1: return Set(bytes, at, 0);
            case 2: return Set(bytes, at, 0xFF);
            case 3: return Set(bytes, at, (byte)random.Next(256));
            case 4: return SetNumber(bytes, at, Extremes[random.Next(Extremes.Length)], 1 << random.Next(4));
            case 5: return AddToNumber(bytes, at, random.Next(-9, 10));
            case 6: return bytes[..at];
            case 7: return [.. bytes[..at], .. bytes[(at + length)..]];
            case 8: return [.. bytes[..(at + length)], .. bytes[at..]];
            case 9: return [.. bytes[..at], .. other.AsSpan(from, Math.Min(length, other.Length - from)), .. bytes[at..]];
            case 10: return [.. bytes[..at], .. other[from..]];
            default: return ReplaceDigits(bytes, at, random);
        }
    }

    private static byte[] Set(byte[] bytes, int at, byte value)
    {
        var copy = bytes.ToArray();
        copy[at] = value;
        return copy;
    }

    private static byte[] SetNumber(byte[] bytes, int at, long value, int width)
    {
        var copy = bytes.ToArray();
        Span<byte> number = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        number[..Math.Min(width, copy.Length - at)].CopyTo(copy.AsSpan(at));
        return copy;
    }

    private static byte[] AddToNumber(byte[] bytes, int at, int difference)
    {
        var copy = bytes.ToArray();
        copy[at] = (byte)(copy[at] + difference);
        return copy;
    }

    // The next number written in digits, as in JSON and in old pickles.
    private static byte[] ReplaceDigits(byte[] bytes, int at, Random random)
    {
        var start = Array.FindIndex(bytes, at, static b => b is >= (byte)'0' and <= (byte)'9');
        if (start < 0)
        {
            return bytes;
        }

        var end = Array.FindIndex(bytes, start, static b => b is < (byte)'0' or > (byte)'9');
        return [.. bytes[..start], .. System.Text.Encoding.ASCII.GetBytes(Numbers[random.Next(Numbers.Length)]), .. end < 0 ? [] : bytes[end..]];
    }
}
