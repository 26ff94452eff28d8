using FsCheck.Xunit;
using Google.Protobuf;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>What the writer writes, read back by Google.Protobuf.</summary>
public sealed class ProtobufWriterTests
{
    [Property]
    public void Integer_AnyValue_IsReadBack(long value)
    {
        var writer = new ProtobufWriter();
        writer.Integer(20, value);

        var reader = new CodedInputStream(writer.Written.ToArray());
        reader.ReadTag().Should().Be(WireFormat.MakeTag(20, WireFormat.WireType.Varint));
        reader.ReadInt64().Should().Be(value);
        reader.IsAtEnd.Should().BeTrue();
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(127L)]
    [InlineData(128L)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    [InlineData(-1L)]
    public void Integer_EdgeOfTheEncoding_IsReadBack(long value) => Integer_AnyValue_IsReadBack(value);

    [Property]
    public void Single_AnyValue_IsReadBack(float value)
    {
        var writer = new ProtobufWriter();
        writer.Single(2, value);

        var reader = new CodedInputStream(writer.Written.ToArray());
        reader.ReadTag().Should().Be(WireFormat.MakeTag(2, WireFormat.WireType.Fixed32));
        reader.ReadFloat().Should().Be(value);
    }

    [Fact]
    public void Text_LongerThan127Bytes_IsReadBack()
    {
        var text = string.Concat(Enumerable.Repeat("白日依山尽", 20));
        var writer = new ProtobufWriter();
        writer.Text(8, text);

        var reader = new CodedInputStream(writer.Written.ToArray());
        reader.ReadTag().Should().Be(WireFormat.MakeTag(8, WireFormat.WireType.LengthDelimited));
        reader.ReadString().Should().Be(text);
    }

    [Fact]
    public void Message_NestedAndEmpty_KeepTheirPlaces()
    {
        var writer = new ProtobufWriter();
        writer.Message(1, outer =>
        {
            outer.Message(2, _ => { });
            outer.Integer(3, 300);
        });
        writer.Integer(4, 1);

        writer.Written.ToArray().Should().Equal(0x0A, 5, 0x12, 0, 0x18, 0xAC, 0x02, 0x20, 1);
    }
}
