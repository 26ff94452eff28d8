using System.Buffers;
using System.Security.Cryptography;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Common ways to read tensors.</summary>
public static class TensorSourceExtensions
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>All of a tensor's contiguous, little-endian data. Meant for small tensors; stream large ones with <see cref="ITensorSource.Read"/>.</summary>
    /// <exception cref="AlpacaException">The tensor is larger than an array can be (2 GiB).</exception>
    public static byte[] ReadBytes(this ITensorSource source, TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.ByteLength > Array.MaxLength)
        {
            throw new AlpacaException($"The tensor {tensor.Name} has {tensor.ByteLength} bytes, more than can be read in one piece.");
        }

        var bytes = GC.AllocateUninitializedArray<byte>((int)tensor.ByteLength);
        source.Read(tensor, 0, bytes);
        return bytes;
    }

    /// <summary>Reads elements as float32; float16 and bfloat16 widen exactly, float64 and integers are rounded to the nearest.</summary>
    /// <param name="source">Where the tensor is.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="firstElement">The first element, counted in row-major order.</param>
    /// <param name="destination">Filled completely.</param>
    public static void ReadAsFloat32(this ITensorSource source, TensorInfo tensor, long firstElement, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tensor);
        var size = tensor.DType.Size();
        if (tensor.DType == DType.Float32)
        {
            source.Read(tensor, firstElement * size, System.Runtime.InteropServices.MemoryMarshal.AsBytes(destination));
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(ChunkBytes, (long)destination.Length * size));
        try
        {
            while (!destination.IsEmpty)
            {
                var count = Math.Min(destination.Length, buffer.Length / size);
                var bytes = buffer.AsSpan(0, count * size);
                source.Read(tensor, firstElement * size, bytes);
                TensorConversion.ToFloat32(tensor.DType, bytes, destination[..count]);
                firstElement += count;
                destination = destination[count..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A whole tensor as float32, row-major.</summary>
    public static float[] ReadAsFloat32(this ITensorSource source, TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.ElementCount > Array.MaxLength)
        {
            throw new AlpacaException($"The tensor {tensor.Name} has {tensor.ElementCount} elements, more than can be read in one piece.");
        }

        var values = GC.AllocateUninitializedArray<float>((int)tensor.ElementCount);
        source.ReadAsFloat32(tensor, 0, values);
        return values;
    }

    /// <summary>SHA-256 of a tensor's raw little-endian data, in lower-case hexadecimal: the same whatever file format holds the tensor.</summary>
    public static string Sha256(this ITensorSource source, TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tensor);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (long offset = 0; offset < tensor.ByteLength;)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(ChunkBytes, tensor.ByteLength - offset));
                source.Read(tensor, offset, part);
                hash.AppendData(part);
                offset += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
