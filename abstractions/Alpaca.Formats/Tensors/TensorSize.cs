namespace Alpaca.Formats;

/// <summary>Sizes of tensors that a file claims, which may be anything.</summary>
internal static class TensorSize
{
    /// <summary>The bytes of a contiguous tensor; <see langword="false"/> for a negative size or one beyond 63 bits.</summary>
    public static bool TryGetByteLength(ReadOnlySpan<long> shape, DType dtype, out long byteLength)
    {
        Int128 product = dtype.Size();
        var empty = false;
        foreach (var size in shape)
        {
            if (size < 0)
            {
                byteLength = 0;
                return false;
            }

            empty |= size == 0;
        }

        foreach (var size in shape)
        {
            // Also with a zero among the sizes the others must multiply, as TensorInfo does from the left.
            product *= size == 0 ? 1 : size;
            if (product > long.MaxValue)
            {
                byteLength = 0;
                return false;
            }
        }

        byteLength = empty ? 0 : (long)product;
        return true;
    }
}
