using System.Buffers;
using System.Text;

namespace Alpaca.Host;

/// <summary>File names of any bytes as strings: a byte that is not UTF-8 becomes the lone surrogate U+DC00 + byte, and back again. What is UTF-8 stays as it is.</summary>
internal static class EscapedName
{
    private const int Escape = 0xDC00;
    private const int FirstEscaped = 0xDC80;
    private const int LastEscaped = 0xDCFF;

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var name = new StringBuilder(bytes.Length);
        Span<char> characters = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var length) == OperationStatus.Done)
            {
                name.Append(characters[..rune.EncodeToUtf16(characters)]);
            }
            else
            {
                foreach (var value in bytes[..length]) name.Append((char)(Escape + value));
            }

            bytes = bytes[length..];
        }

        return name.ToString();
    }

    /// <summary>The bytes of a name or path, and a zero behind them.</summary>
    public static byte[] Encode(string name)
    {
        var bytes = new byte[(3 * name.Length) + 1];
        var count = 0;
        ReadOnlySpan<char> rest = name;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) == OperationStatus.Done || !IsEscaped(rest[0])) count += rune.EncodeToUtf8(bytes.AsSpan(count));
            else bytes[count++] = (byte)(rest[0] - Escape);
            rest = rest[length..];
        }

        return bytes[..(count + 1)];
    }

    /// <summary>Whether a name is UTF-8, and so can be used everywhere.</summary>
    public static bool IsPlain(string name)
    {
        for (var i = 0; i < name.Length; i++)
        {
            if (i + 1 < name.Length && char.IsSurrogatePair(name[i], name[i + 1])) i++;
            else if (char.IsSurrogate(name[i])) return false;
        }

        return true;
    }

    private static bool IsEscaped(char character) => character is >= (char)FirstEscaped and <= (char)LastEscaped;
}
