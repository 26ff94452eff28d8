using System.Buffers;

namespace Alpaca.Text;

/// <summary>A normalised text in UTF-8, with the place each byte comes from.</summary>
internal sealed class NormalizedText(int capacity) : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity);
    private int[] _origins = ArrayPool<int>.Shared.Rent(capacity + 1);

    /// <summary>How many bytes there are.</summary>
    public int Length { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>For each byte, and for the end, an index into the original text in UTF-16 code units, [<see cref="Length"/> + 1].</summary>
    public ReadOnlySpan<int> Origins => _origins.AsSpan(0, Length + 1);

    public void Append(ReadOnlySpan<byte> bytes, int origin)
    {
        if (Length + bytes.Length >= Math.Min(_bytes.Length, _origins.Length)) Grow(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        _origins.AsSpan(Length, bytes.Length).Fill(origin);
        Length += bytes.Length;
    }

    /// <summary>Shortens the text; where the first byte taken away came from becomes the origin of the end.</summary>
    public void Truncate(int length) => Length = length;

    public void EndAt(int origin) => _origins[Length] = origin;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        ArrayPool<int>.Shared.Return(_origins);
    }

    private void Grow(int more)
    {
        var (bytes, origins) = (_bytes, _origins);
        _bytes = ArrayPool<byte>.Shared.Rent(2 * (Length + more));
        _origins = ArrayPool<int>.Shared.Rent(2 * (Length + more) + 1);
        bytes.AsSpan(0, Length).CopyTo(_bytes);
        origins.AsSpan(0, Length).CopyTo(_origins);
        ArrayPool<byte>.Shared.Return(bytes);
        ArrayPool<int>.Shared.Return(origins);
    }
}
