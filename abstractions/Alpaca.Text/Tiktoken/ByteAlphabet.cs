namespace Alpaca.Text;

/// <summary>GPT-2's alphabet: a visible character for each byte, so that pieces of bytes can be written as text.</summary>
/// <remarks>Printable bytes of Latin-1 stand for themselves; the others, in order, get the characters from U+0100 on (<c>bytes_to_unicode</c>). A space is <c>Ġ</c>.</remarks>
public static class ByteAlphabet
{
    private const char FirstSubstitute = 'Ā';

    private static readonly char[] Characters = Create();

    private static readonly short[] Bytes = Invert();

    /// <summary>Writes bytes in the alphabet, a character each.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        Span<char> characters = bytes.Length <= 256 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++) characters[i] = Characters[bytes[i]];
        return new string(characters);
    }

    /// <summary>The character of a byte.</summary>
    public static char Encode(byte value) => Characters[value];

    /// <summary>The bytes of a text in the alphabet; <see langword="null"/> if a character is not of it.</summary>
    public static byte[]? Decode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bytes = new byte[text.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (text[i] >= Bytes.Length || Bytes[text[i]] < 0) return null;
            bytes[i] = (byte)Bytes[text[i]];
        }
        return bytes;
    }

    private static short[] Invert()
    {
        var bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (short value = 0; value < Characters.Length; value++) bytes[Characters[value]] = value;
        return bytes;
    }

    private static char[] Create()
    {
        var characters = new char[256];
        var next = FirstSubstitute;
        for (var value = 0; value < characters.Length; value++)
        {
            var isPrintable = value is (>= '!' and <= '~') or (>= '¡' and <= '¬') or (>= '®' and <= 'ÿ');
            characters[value] = isPrintable ? (char)value : next++;
        }
        return characters;
    }
}
