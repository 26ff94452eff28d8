namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Reads all that a source offers and holds it against what the source says about itself.</summary>
internal static class Reading
{
    private const int MostCompared = 1 << 15;

    /// <summary>Opens and reads; throws what the reader throws, or a failure when the same bytes come out differently.</summary>
    public static void All(string path)
    {
        using var source = TensorSource.Open(path);
        All(source);
    }

    public static void All(ITensorSource source)
    {
        foreach (var tensor in source.Tensors)
        {
            if (source.Find(tensor.Name) != tensor || tensor.ByteLength != tensor.ElementCount * tensor.DType.Size() || tensor.Shape.Any(size => size < 0))
            {
                throw new InvalidOperationException($"The tensor {tensor.Name} is not what it says.");
            }

            ReadTwice(source, tensor);
        }
    }

    // Once in large pieces and once in small ones of an odd number of elements.
    private static void ReadTwice(ITensorSource source, TensorInfo tensor)
    {
        // On the stack, so that only what the readers themselves allocate is measured.
        Span<byte> whole = stackalloc byte[MostCompared], buffer = stackalloc byte[24];
        var small = 3 * tensor.DType.Size();
        for (long offset = 0; offset < tensor.ByteLength; offset += MostCompared)
        {
            var length = (int)Math.Min(MostCompared, tensor.ByteLength - offset);
            source.Read(tensor, offset, whole[..length]);
            if (offset > 0)
            {
                continue;
            }

            for (var start = 0; start < Math.Min(length, 200 * small); start += small)
            {
                var part = buffer[..Math.Min(small, length - start)];
                source.Read(tensor, start, part);
                if (!part.SequenceEqual(whole.Slice(start, part.Length)))
                {
                    throw new InvalidOperationException($"The tensor {tensor.Name} reads differently in parts, from byte {start} on.");
                }
            }
        }
    }
}
