using System.Buffers;
using System.Text;

namespace Alpaca.Text;

/// <summary>SentencePiece's normalisation: the character map, spaces folded and taken away at the ends, a space before the text, and <c>▁</c> for every space.</summary>
/// <param name="settings">What the model says.</param>
/// <param name="userDefined">The user-defined pieces, which the character map leaves as they are.</param>
/// <param name="name">The model's file, for messages.</param>
internal sealed class SentencePieceNormalizer(SentencePieceNormalizerSettings settings, PieceTrie userDefined, string name)
{
    private readonly CharacterMap? _map = settings.CharsMapLength > 0 ? new CharacterMap(settings.CharsMap.Span, name) : null;

    private static ReadOnlySpan<byte> Space => " "u8;

    private static ReadOnlySpan<byte> SpaceMark => "▁"u8;

    /// <summary>Normalises a text; unpaired surrogates count as U+FFFD.</summary>
    public NormalizedText Normalize(ReadOnlySpan<char> text)
    {
        var result = new NormalizedText(3 * text.Length + SpaceMark.Length);
        var buffer = ArrayPool<byte>.Shared.Rent(3 * text.Length);
        try
        {
            NormalizeUtf8(buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer)), result);
            return result;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void NormalizeUtf8(ReadOnlySpan<byte> text, NormalizedText result)
    {
        var origin = 0; // of the text's first byte, in UTF-16 code units
        var folds = settings.RemoveExtraWhitespaces;
        while (folds && !text.IsEmpty)
        {
            var length = ReadPrefix(text, out var replacement);
            if (!replacement.SequenceEqual(Space)) break;
            Advance(ref text, ref origin, length);
        }
        if (text.IsEmpty)
        {
            result.EndAt(origin);
            return;
        }

        if (settings.AddDummyPrefix) result.Append(SpaceMark, origin);
        for (var afterSpace = folds; !text.IsEmpty;)
        {
            var length = ReadPrefix(text, out var replacement);
            if (afterSpace) replacement = replacement.TrimStart((byte)' ');
            if (!replacement.IsEmpty)
            {
                afterSpace = folds && replacement[^1] == ' ';
                for (int space; (space = replacement.IndexOf((byte)' ')) >= 0; replacement = replacement[(space + 1)..])
                {
                    result.Append(replacement[..space], origin);
                    result.Append(SpaceMark, origin);
                }
                result.Append(replacement, origin);
            }
            Advance(ref text, ref origin, length);
        }

        while (folds && result.Bytes.EndsWith(SpaceMark))
        {
            var length = result.Length - SpaceMark.Length;
            origin = result.Origins[length];
            result.Truncate(length);
        }
        result.EndAt(origin);
    }

    /// <summary>What the beginning of a text becomes, and the length of that beginning in bytes.</summary>
    private int ReadPrefix(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement)
    {
        if (userDefined.MatchLongest(text) is > 0 and var kept)
        {
            replacement = text[..kept];
            return kept;
        }
        if (_map is not null && _map.MatchLongest(text, out replacement) is > 0 and var mapped) return mapped;
        Rune.DecodeFromUtf8(text, out _, out var length);
        replacement = text[..length];
        return length;
    }

    private static void Advance(ref ReadOnlySpan<byte> text, ref int origin, int length)
    {
        foreach (var value in text[..length]) origin += value >= 0xF0 ? 2 : value is < 0x80 or >= 0xC0 ? 1 : 0;
        text = text[length..];
    }
}
