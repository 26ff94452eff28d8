namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Reads all that a source offers and holds it against what the source says about itself.</summary>
internal static class Reading
{
    private const int MostCompared = 1 << 16;

    // Kept, so that only what the readers themselves allocate is measured.
    private static readonly byte[] Whole = new byte[MostCompared], Part = new byte[MostCompared];

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
        var small = 3 * tensor.DType.Size();
        for (long offset = 0; offset < tensor.ByteLength; offset += MostCompared)
        {
            var length = (int)Math.Min(MostCompared, tensor.ByteLength - offset);
            source.Read(tensor, offset, Whole.AsSpan(0, length));
            if (offset > 0)
            {
                continue;
            }

            for (var start = 0; start < Math.Min(length, 200 * small); start += small)
            {
                var part = Part.AsSpan(0, Math.Min(small, length - start));
                source.Read(tensor, start, part);
                if (!part.SequenceEqual(Whole.AsSpan(start, part.Length)))
                {
                    throw new InvalidOperationException($"The tensor {tensor.Name} reads differently in parts, from byte {start} on.");
                }
            }
        }
    }
}
