using System.Buffers.Binary;

namespace Alpaca.Text;

/// <summary>Reads the fields of one protobuf message from memory, without copying.</summary>
/// <remarks>
/// Google.Protobuf's <c>CodedInputStream</c> hands out copies of embedded messages and hides where they began; byte-exact re-serialisation needs the bytes as
/// they are in the file. Every malformation is an <see cref="InvalidDataException"/>.
/// </remarks>
internal ref struct WireReader(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;

    /// <summary>Bytes read so far.</summary>
    public int Position { get; private set; }

    /// <summary>The number of the field that <see cref="ReadField"/> read last.</summary>
    public int Field { get; private set; }

    /// <summary>Its wire type.</summary>
    public WireType Type { get; private set; }

    /// <summary>Its value, if it is length-delimited.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Its value, if it is a number: the varint, or the raw bits of a fixed-width one.</summary>
    public ulong Number { get; private set; }

    /// <summary>Reads the next field, or returns <see langword="false"/> at the end of the message.</summary>
    public bool ReadField()
    {
        if (Position == _message.Length) return false;
        var tag = ReadVarint();
        Field = tag >> 3 is > 0 and <= 0x1FFF_FFFF and var field ? (int)field : throw new InvalidDataException("a field has no valid number");
        Type = (WireType)(tag & 7);
        Bytes = default;
        Number = 0;
        switch (Type)
        {
            case WireType.Varint: Number = ReadVarint(); break;
            case WireType.Fixed64: Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong))); break;
            case WireType.Fixed32: Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint))); break;
            case WireType.LengthDelimited: Bytes = Take(ReadVarint()); break;
            // Groups are obsolete and SentencePiece never used them.
            default: throw new InvalidDataException($"field {Field} has the unknown wire type {(int)Type}");
        }
        return true;
    }

    /// <summary>The value of a field that must be an embedded message, a string or bytes.</summary>
    public readonly ReadOnlySpan<byte> ExpectBytes()
        => Type == WireType.LengthDelimited ? Bytes : throw new InvalidDataException($"field {Field} is not length-delimited");

    /// <summary>The value of a field that must be a bool or an enum.</summary>
    public readonly ulong ExpectVarint() => Type == WireType.Varint ? Number : throw new InvalidDataException($"field {Field} is not a varint");

    /// <summary>The value of a field that must be a float.</summary>
    public readonly float ExpectFloat()
        => Type == WireType.Fixed32 ? BitConverter.UInt32BitsToSingle((uint)Number) : throw new InvalidDataException($"field {Field} is not a float");

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)(_message.Length - Position)) throw new InvalidDataException("it ends in the middle of a field");
        var taken = _message.Slice(Position, (int)length);
        Position += (int)length;
        return taken;
    }

    private ulong ReadVarint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        throw new InvalidDataException("a number is longer than 64 bits");
    }
}

/// <summary>The protobuf wire types in use.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    LengthDelimited = 2,
    Fixed32 = 5,
}
