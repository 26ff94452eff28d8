namespace Alpaca.Convert;

/// <summary>GPT-2's alphabet: a visible character for each byte, so that pieces of bytes can be written as text.</summary>
/// <remarks>Printable bytes of Latin-1 stand for themselves; the others, in order, get the characters from U+0100 on (<c>bytes_to_unicode</c>). A space is <c>Ġ</c>.</remarks>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Create();

    /// <summary>Writes bytes in the alphabet, a character each.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        Span<char> characters = bytes.Length <= 256 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            characters[i] = Characters[bytes[i]];
        }

        return new string(characters);
    }

    private static char[] Create()
    {
        var characters = new char[256];
        var next = 'Ā';
        for (var value = 0; value < characters.Length; value++)
        {
            var isPrintable = value is (>= '!' and <= '~') or (>= '¡' and <= '¬') or (>= '®' and <= 'ÿ');
            characters[value] = isPrintable ? (char)value : next++;
        }

        return characters;
    }
}
