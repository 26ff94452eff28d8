using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>Finds out whether a checkpoint's output layer is a copy of its embedding, as in Llama 3.2's small models.</summary>
internal static class TiedEmbeddings
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Compares the two, up to the first difference. Two that are all zero have not been trained yet, and nothing says that they are one.</summary>
    public static bool AreIn(ITensorSource source)
    {
        if (source.Find(LlamaTensorNames.EmbedTokens) is not { } embedding || source.Find(LlamaTensorNames.LmHead) is not { } head
            || embedding.DType != head.DType || !embedding.Shape.SequenceEqual(head.Shape))
        {
            return false;
        }

        var isZero = true;
        byte[] firstBuffer = new byte[ChunkBytes], secondBuffer = new byte[ChunkBytes];
        for (long offset = 0; offset < embedding.ByteLength;)
        {
            var length = (int)Math.Min(ChunkBytes, embedding.ByteLength - offset);
            Span<byte> first = firstBuffer.AsSpan(0, length), second = secondBuffer.AsSpan(0, length);
            source.Read(embedding, offset, first);
            source.Read(head, offset, second);
            if (!first.SequenceEqual(second))
            {
                return false;
            }

            isZero = isZero && !first.ContainsAnyExcept((byte)0);
            offset += length;
        }

        return !isZero;
    }
}
