using System.Buffers.Binary;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Safetensors;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_SoundFile_HasTensorsInFileOrderAndMetadata()
    {
        var path = Write("""{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""", 8);

        using var file = SafetensorsFile.Open(path);

        file.Tensors.Select(t => t.Name).Should().Equal("a", "b");
        file.Metadata["format"].Should().Be("pt");
        file.ReadBytes(file.Find("b")!).Should().Equal(4, 5, 6, 7);
        file.Find("c").Should().BeNull();
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", 8, "*a lies at bytes 0 to 16 of 8*")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "*a lies at bytes 8 to 0*")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}""", 8, "*does not fill*")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}""", 8, "*whole numbers*")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "*data_offsets*")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "*whole numbers*")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,8]}}""", 8, "*does not fill*")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}""", 0, "*does not fill*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", 8, "*a and b overlap*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 8, "*holds a twice*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", 8, "*data_offsets*")]
    [InlineData("""{"a":{"shape":[1],"data_offsets":[0,1]}}""", 8, "*dtype*")]
    [InlineData("""{"a":7}""", 8, "*lacks a dtype*")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}""", 8, "*F8_E4M3*")]
    [InlineData("""["a"]""", 8, "*JSON object*")]
    [InlineData("""{"a":""", 8, "*not valid JSON*")]
    public void Open_UnsoundHeader_SaysWhatIsWrong(string header, int dataLength, string message)
    {
        var path = Write(header, dataLength);

        var act = () => SafetensorsFile.Open(path);

        act.Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*bad.safetensors*");
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1ul << 40)]
    [InlineData(99_999_999ul)]
    public void Open_HeaderLongerThanTheFile_IsDamagedWithoutAllocatingIt(ulong length)
    {
        var bytes = new byte[100];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        var path = _folder.Combine("bad.safetensors");
        File.WriteAllBytes(path, bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var act = () => SafetensorsFile.Open(path);

        act.Should().Throw<AlpacaException>().WithMessage("*bad.safetensors*header*");
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(1 << 20);
    }

    [Fact]
    public void Open_CutShortAnywhere_NamesTheFile()
    {
        var whole = File.ReadAllBytes(Write("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", 8));
        var path = _folder.Combine("cut.safetensors");
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole.AsSpan(0, length).ToArray());

            var act = () => TensorSource.Open(path).Dispose();

            act.Should().Throw<AlpacaException>("of length {0}", length).WithMessage("*cut.safetensors*");
        }
    }

    [Fact]
    public void Read_OutsideTheTensor_IsAnArgumentError()
    {
        using var file = SafetensorsFile.Open(Write("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", 8));

        file.Invoking(f => f.Read(f.Find("a")!, 2, new byte[3])).Should().Throw<ArgumentOutOfRangeException>();
        file.Invoking(f => f.Read(f.Find("a")!, -1, new byte[1])).Should().Throw<ArgumentOutOfRangeException>();
    }

    private string Write(string header, int dataLength)
    {
        var path = _folder.Combine("bad.safetensors");
        using var file = File.Create(path);
        var json = Encoding.UTF8.GetBytes(header);
        file.Write(BitConverter.GetBytes((ulong)json.Length));
        file.Write(json);
        file.Write([.. Enumerable.Range(0, dataLength).Select(i => (byte)i)]);
        return path;
    }
}
