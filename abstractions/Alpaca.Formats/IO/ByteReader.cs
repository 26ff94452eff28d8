using System.Buffers.Binary;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Reads a range of a file from front to back.</summary>
internal sealed class ByteReader(ReadOnlyFile file, long start, long end)
{
    private readonly byte[] _buffer = new byte[(int)Math.Clamp(end - start, 1, 64 << 10)];
    private int _next;
    private int _filled;
    private long _fileOffset = start;

    /// <summary>Where the next byte lies in the file.</summary>
    public long Position => _fileOffset - (_filled - _next);

    public long Remaining => end - Position;

    public ReadOnlyFile File => file;

    public byte ReadByte()
    {
        if (_next == _filled)
        {
            Refill();
        }

        return _buffer[_next++];
    }

    public void ReadExactly(Span<byte> destination)
    {
        foreach (ref var target in destination)
        {
            target = ReadByte();
        }
    }

    /// <summary>Reads that many bytes; the count comes from the file, so it is held against what is left before anything is allocated.</summary>
    public byte[] ReadBytes(long count)
    {
        if (count < 0 || count > Remaining)
        {
            throw EndOfData();
        }

        var bytes = new byte[count];
        ReadExactly(bytes);
        return bytes;
    }

    public ushort ReadUInt16()
    {
        Span<byte> bytes = stackalloc byte[2];
        ReadExactly(bytes);
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    public int ReadInt32()
    {
        Span<byte> bytes = stackalloc byte[4];
        ReadExactly(bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    public long ReadInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        ReadExactly(bytes);
        return BinaryPrimitives.ReadInt64LittleEndian(bytes);
    }

    private void Refill()
    {
        var count = (int)Math.Min(_buffer.Length, end - _fileOffset);
        if (count <= 0)
        {
            throw EndOfData();
        }

        file.ReadExactly(_fileOffset, _buffer.AsSpan(0, count));
        _fileOffset += count;
        _filled = count;
        _next = 0;
    }

    private AlpacaException EndOfData() => new($"{file.Path} is cut short or damaged near byte {Position}; get it again.");
}
