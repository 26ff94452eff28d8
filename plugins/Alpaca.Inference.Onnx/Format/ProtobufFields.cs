using System.Text;

namespace Alpaca.Inference.Onnx;

/// <summary>Goes through the fields of a message in protobuf's wire format, the counterpart of <see cref="ProtobufWriter"/>.</summary>
/// <remarks>For messages that are in memory to be written again. <see cref="Alpaca.Formats.OnnxTensorSource"/> reads graphs of any size, from the file, and only their weights.</remarks>
internal ref struct ProtobufFields
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    private readonly ReadOnlySpan<byte> _message;
    private int _position;

    /// <param name="message">The message without its tag and length.</param>
    public ProtobufFields(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>The current field's number.</summary>
    public int Number { get; private set; }

    /// <summary>The current field's value where it is an integer, otherwise 0.</summary>
    public long Integer { get; private set; }

    /// <summary>The current field's value where it is bytes, text or a message, otherwise empty.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The current field with its tag, as it stands in the message.</summary>
    public ReadOnlySpan<byte> Raw { get; private set; }

    /// <summary>The current field's value as text.</summary>
    public readonly string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>Goes to the next field.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="InvalidDataException">The message is cut off or no protobuf.</exception>
    public bool Next()
    {
        if (_position == _message.Length) return false;
        var start = _position;
        var tag = Base128();
        Number = (int)(tag >> 3);
        Integer = 0;
        Bytes = default;
        switch ((int)tag & 7)
        {
            case Varint: Integer = (long)Base128(); break;
            case Fixed64: Take(sizeof(long)); break;
            case LengthDelimited: Bytes = Take(Base128()); break;
            case Fixed32: Take(sizeof(int)); break;
            default: throw Malformed();
        }

        Raw = _message[start.._position];
        return true;
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)(_message.Length - _position)) throw Malformed();
        _position += (int)length;
        return _message.Slice(_position - (int)length, (int)length);
    }

    private ulong Base128()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_position == _message.Length) throw Malformed();
            var next = _message[_position++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw Malformed();
    }

    private static InvalidDataException Malformed() => new("a protobuf message is cut off or damaged");
}
