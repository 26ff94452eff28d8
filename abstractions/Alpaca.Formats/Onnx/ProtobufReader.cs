using System.Text;

namespace Alpaca.Formats;

/// <summary>Walks the fields of a protobuf message in a seekable stream without holding it in memory.</summary>
/// <remarks>
/// A message is a sequence of fields, each a tag (field number and wire type) and a value; a nested message is a length followed by that many bytes. The caller
/// loops <c>while (reader.NextField(end))</c> and consumes or <see cref="Skip"/>s each value. Malformed input is an <see cref="InvalidDataException"/>.
/// </remarks>
internal sealed class ProtobufReader(Stream stream)
{
    private const int MostStringBytes = 1 << 20;

    private enum Wire
    {
        Varint = 0,
        Fixed64 = 1,
        LengthDelimited = 2,
        Fixed32 = 5,
    }

    private Wire _wire;

    /// <summary>The number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Bytes from the start of the stream.</summary>
    public long Position => stream.Position;

    /// <summary>Whether the current field is length-delimited: a string, bytes, a message, or a packed list of numbers.</summary>
    public bool IsLengthDelimited => _wire == Wire.LengthDelimited;

    /// <summary>Goes to the next field of the message that ends at <paramref name="end"/>.</summary>
    /// <returns><see langword="false"/> at the end of the message.</returns>
    public bool NextField(long end)
    {
        if (Position == end) return false;
        if (Position > end) throw Malformed("a field reaches past the end of its message");
        var tag = ReadVarint();
        Field = tag >> 3 is > 0 and <= 0x1FFFFFFF ? (int)(tag >> 3) : throw Malformed("a field has no valid number");
        _wire = (Wire)(tag & 7);
        return Enum.IsDefined(_wire) ? true : throw Malformed("a field has no valid wire type");
    }

    /// <summary>Reads the current field as an integer.</summary>
    public long ReadInt64() => _wire == Wire.Varint ? (long)ReadVarint() : throw Malformed("an integer was expected");

    /// <summary>Reads the base-128 number at the current position, as in a packed list.</summary>
    public ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = ReadByte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw Malformed("a number is longer than 64 bits");
    }

    /// <summary>Reads the length of the current field.</summary>
    /// <returns>The position at which its content ends; the content begins at <see cref="Position"/>.</returns>
    public long ReadLength()
    {
        if (_wire != Wire.LengthDelimited) throw Malformed("a message or a string was expected");
        var length = ReadVarint();
        return length <= (ulong)(stream.Length - Position) ? Position + (long)length : throw Malformed("a field reaches past the end of the file");
    }

    /// <summary>Reads the current field as text.</summary>
    public string ReadString()
    {
        var length = ReadLength() - Position;
        if (length > MostStringBytes) throw Malformed("a name is longer than a megabyte");
        var bytes = new byte[length];
        ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Moves past the value of the current field.</summary>
    public void Skip()
    {
        switch (_wire)
        {
            case Wire.Varint: ReadVarint(); break;
            case Wire.Fixed32: SkipTo(Position + 4); break;
            case Wire.Fixed64: SkipTo(Position + 8); break;
            default: SkipTo(ReadLength()); break;
        }
    }

    /// <summary>Moves forward to a position inside the stream.</summary>
    public void SkipTo(long position)
    {
        if (position > stream.Length) throw Malformed("a field reaches past the end of the file");
        stream.Position = position;
    }

    /// <summary>An error that names the place.</summary>
    public InvalidDataException Malformed(string what) => new($"{what} at byte {Position}");

    private byte ReadByte() => stream.ReadByte() is >= 0 and var value ? (byte)value : throw Malformed("the file ends inside a field");

    private void ReadExactly(Span<byte> destination)
    {
        if (stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false) < destination.Length) throw Malformed("the file ends inside a field");
    }
}
