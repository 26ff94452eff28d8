using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Alpaca.Inference.Onnx;

/// <summary>Writes protobuf's wire format: the part of it that ONNX needs.</summary>
/// <remarks>A field is a tag, <c>number &lt;&lt; 3 | wire type</c>, and a value: a base-128 integer (0), four bytes (5), or a length and that many bytes (2).</remarks>
internal sealed class ProtobufWriter
{
    private const int Varint = 0;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>What has been written.</summary>
    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    /// <summary>Writes an integer field (int32, int64 or an enumeration).</summary>
    public void Integer(int field, long value)
    {
        Tag(field, Varint);
        Base128((ulong)value);
    }

    /// <summary>Writes a float field.</summary>
    public void Single(int field, float value)
    {
        Tag(field, Fixed32);
        BinaryPrimitives.WriteSingleLittleEndian(_bytes.GetSpan(sizeof(float)), value);
        _bytes.Advance(sizeof(float));
    }

    /// <summary>Writes a string field as UTF-8.</summary>
    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Writes a bytes field.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, LengthDelimited);
        Base128((ulong)value.Length);
        _bytes.Write(value);
    }

    /// <summary>Writes a field that is already laid out, tag included.</summary>
    public void Raw(ReadOnlySpan<byte> field) => _bytes.Write(field);

    /// <summary>Writes a nested message, also when it is empty.</summary>
    public void Message(int field, Action<ProtobufWriter> write)
    {
        var nested = new ProtobufWriter();
        write(nested);
        Bytes(field, nested.Written);
    }

    private void Tag(int field, int wireType) => Base128((ulong)((field << 3) | wireType));

    private void Base128(ulong value)
    {
        var span = _bytes.GetSpan(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7) span[length++] = (byte)(value | 0x80);
        span[length++] = (byte)value;
        _bytes.Advance(length);
    }
}
