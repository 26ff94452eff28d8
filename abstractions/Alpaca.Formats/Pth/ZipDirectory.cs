using System.Buffers.Binary;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A stored (uncompressed) member of a zip file and where its bytes lie.</summary>
internal readonly record struct ZipEntry(string Name, long DataOffset, long Length);

/// <summary>The central directory of a zip file of stored members, zip64 included.</summary>
/// <remarks>
/// <see cref="System.IO.Compression.ZipArchive"/> does not tell where a stored member's bytes lie in the file, which is what reading at positions needs.
/// Format: PKWARE APPNOTE 6.3, sections 4.3 and 4.5.3.
/// </remarks>
internal static class ZipDirectory
{
    private const uint EndSignature = 0x06054b50;
    private const uint Zip64LocatorSignature = 0x07064b50;
    private const uint Zip64EndSignature = 0x06064b50;
    private const uint CentralSignature = 0x02014b50;
    private const uint LocalSignature = 0x04034b50;
    private const int EndLength = 22;
    private const int Zip64LocatorLength = 20;
    private const int Zip64EndLength = 56;
    private const int CentralLength = 46;
    private const int LocalLength = 30;

    // The largest model has 800 members; a directory of this size would list a million.
    private const long MaxDirectoryLength = 64 << 20;

    public static IReadOnlyDictionary<string, ZipEntry> Read(ReadOnlyFile file)
    {
        var (offset, length, count) = FindDirectory(file);
        if (length > MaxDirectoryLength || offset < 0 || length < 0 || offset > file.Length - length)
        {
            throw Damaged(file, "its directory lies outside the file");
        }

        var directory = new byte[length];
        file.ReadExactly(offset, directory);
        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        var extents = new List<(long Start, long End)>();
        var rest = directory.AsSpan();
        for (long i = 0; i < count; i++)
        {
            var (entry, header) = ReadCentral(file, ref rest);
            if (!entries.TryAdd(entry.Name, entry))
            {
                throw Damaged(file, $"it holds {Printable.Of(entry.Name)} twice");
            }

            extents.Add((header, entry.DataOffset + entry.Length));
        }

        if (!rest.IsEmpty)
        {
            throw Damaged(file, "its directory lists more members than it counts");
        }

        ThrowIfOverlapping(file, extents, offset);
        return entries;
    }

    // Members that share bytes would make a short file hold any amount of data (Fifield, "A better zip bomb", 2019).
    private static void ThrowIfOverlapping(ReadOnlyFile file, List<(long Start, long End)> extents, long directoryOffset)
    {
        extents.Sort();
        for (var i = 0; i < extents.Count; i++)
        {
            if (extents[i].End > (i + 1 < extents.Count ? extents[i + 1].Start : directoryOffset))
            {
                throw Damaged(file, $"its members overlap at byte {extents[i].End}");
            }
        }
    }

    private static (long Offset, long Length, long Count) FindDirectory(ReadOnlyFile file)
    {
        // The end record is the last 22 bytes, or lies before a comment of at most 65,535.
        var tail = new byte[Math.Min(file.Length, EndLength + ushort.MaxValue)];
        file.ReadExactly(file.Length - tail.Length, tail);
        for (var i = tail.Length - EndLength; i >= 0; i--)
        {
            var end = tail.AsSpan(i);
            if (UInt32(end, 0) != EndSignature || i + EndLength + UInt16(end, 20) != tail.Length)
            {
                continue;
            }

            var position = file.Length - tail.Length + i;
            return TryReadZip64End(file, position) ?? (UInt32(end, 16), UInt32(end, 12), UInt16(end, 10));
        }

        throw new AlpacaException($"{file.Path} is cut short: it begins as a PyTorch checkpoint, but its end is missing after {file.Length} bytes; get it again.");
    }

    private static (long Offset, long Length, long Count)? TryReadZip64End(ReadOnlyFile file, long endPosition)
    {
        if (endPosition < Zip64LocatorLength)
        {
            return null;
        }

        Span<byte> locator = stackalloc byte[Zip64LocatorLength];
        file.ReadExactly(endPosition - Zip64LocatorLength, locator);
        if (UInt32(locator, 0) != Zip64LocatorSignature)
        {
            return null;
        }

        var position = Int64(locator, 8);
        if (position < 0 || position > endPosition - Zip64EndLength)
        {
            throw Damaged(file, "its zip64 record lies outside the file");
        }

        Span<byte> end = stackalloc byte[Zip64EndLength];
        file.ReadExactly(position, end);
        return UInt32(end, 0) == Zip64EndSignature ? (Int64(end, 48), Int64(end, 40), Int64(end, 32)) : throw Damaged(file, "its zip64 record is malformed");
    }

    private static (ZipEntry Entry, long Header) ReadCentral(ReadOnlyFile file, ref Span<byte> rest)
    {
        if (rest.Length < CentralLength || UInt32(rest, 0) != CentralSignature)
        {
            throw Damaged(file, "its directory is malformed");
        }

        int nameLength = UInt16(rest, 28), extraLength = UInt16(rest, 30), commentLength = UInt16(rest, 32);
        if (rest.Length < CentralLength + nameLength + extraLength + commentLength)
        {
            throw Damaged(file, "its directory is malformed");
        }

        var name = Encoding.UTF8.GetString(rest.Slice(CentralLength, nameLength));
        if (IsCoded(rest, 8))
        {
            throw Coded(file, name);
        }

        long packed = UInt32(rest, 20), length = UInt32(rest, 24), header = UInt32(rest, 42);
        ReadZip64Sizes(rest.Slice(CentralLength + nameLength, extraLength), ref length, ref packed, ref header);
        rest = rest[(CentralLength + nameLength + extraLength + commentLength)..];
        if (length != packed || length < 0 || header < 0 || header > file.Length - LocalLength)
        {
            throw Damaged(file, $"its member {Printable.Of(name)} lies outside the file");
        }

        // Name and extra field may have other lengths in the local header, which PyTorch pads for alignment.
        Span<byte> local = stackalloc byte[LocalLength];
        file.ReadExactly(header, local);
        var data = header + LocalLength + UInt16(local, 26) + UInt16(local, 28);
        if (UInt32(local, 0) != LocalSignature || length > file.Length || data > file.Length - length)
        {
            throw Damaged(file, $"its member {Printable.Of(name)} lies outside the file");
        }

        return IsCoded(local, 6) ? throw Coded(file, name) : (new ZipEntry(name, data, length), header);
    }

    // Flags and method: encrypted, or not stored as it is.
    private static bool IsCoded(ReadOnlySpan<byte> header, int offset) => (UInt16(header, offset) & 1) != 0 || UInt16(header, offset + 2) != 0;

    private static AlpacaException Coded(ReadOnlyFile file, string name) =>
        new($"{file.Path} holds {Printable.Of(name)} compressed or encrypted, which PyTorch never writes; save it again with torch.save.");

    // The zip64 extra field holds, in this order, those values whose 32-bit field is all ones.
    private static void ReadZip64Sizes(ReadOnlySpan<byte> extra, ref long length, ref long packed, ref long header)
    {
        while (extra.Length >= 4)
        {
            int id = UInt16(extra, 0), size = Math.Min((int)UInt16(extra, 2), extra.Length - 4);
            var field = extra.Slice(4, size);
            extra = extra[(4 + size)..];
            if (id != 1)
            {
                continue;
            }

            Take(ref field, ref length);
            Take(ref field, ref packed);
            Take(ref field, ref header);
        }

        static void Take(ref ReadOnlySpan<byte> field, ref long value)
        {
            if (value == uint.MaxValue && field.Length >= 8)
            {
                value = Int64(field, 0);
                field = field[8..];
            }
        }
    }

    private static ushort UInt16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static uint UInt32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static long Int64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt64LittleEndian(bytes[offset..]);

    private static AlpacaException Damaged(ReadOnlyFile file, string reason) => new($"{file.Path} is damaged: {reason}; get it again.");
}
