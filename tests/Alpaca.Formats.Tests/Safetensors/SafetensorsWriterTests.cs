using System.Buffers.Binary;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Safetensors;

public sealed class SafetensorsWriterTests : IDisposable
{
    private static readonly TensorInfo[] Mixed = [new("odd", DType.Float16, [3]), new("wide", DType.Float64, [2]), new("bytes", DType.UInt8, [5]), new("single", DType.Float32, [1, 3]), new("none", DType.Float32, [0])];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Complete_MixedTypes_ReadsBackAlignedAndWithoutGaps()
    {
        var path = _folder.Combine("m.safetensors");
        using (var writer = new SafetensorsWriter(path, Mixed))
        {
            foreach (var tensor in Mixed)
            {
                writer.Write(tensor.Name, 0, Content(tensor));
            }

            writer.Complete();
        }

        var bytes = File.ReadAllBytes(path);
        var headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        ((8 + headerLength) % 64).Should().Be(0);
        bytes.Should().HaveCount(8 + headerLength + Mixed.Sum(t => (int)t.ByteLength), "the format allows no gaps");
        using var source = SafetensorsFile.Open(path);
        source.Metadata.Should().Contain("format", "pt");
        foreach (var tensor in Mixed)
        {
            source.Find(tensor.Name)!.Shape.Should().Equal(tensor.Shape);
            source.ReadBytes(source.Find(tensor.Name)!).Should().Equal(Content(tensor));
        }
    }

    [Fact]
    public void Dispose_BeforeComplete_LeavesNothing()
    {
        using (var writer = new SafetensorsWriter(_folder.Combine("m.safetensors"), Mixed))
        {
            writer.Write("odd", 0, new byte[6]);
            writer.Invoking(w => w.Complete()).Should().Throw<InvalidOperationException>().WithMessage("*wide*");
        }

        Directory.GetFileSystemEntries(_folder.Path).Should().BeEmpty();
    }

    [Fact]
    public void Write_UnknownOrBeyondTheEnd_IsAnArgumentError()
    {
        using var writer = new SafetensorsWriter(_folder.Combine("m.safetensors"), Mixed);

        writer.Invoking(w => w.Write("other", 0, new byte[1])).Should().Throw<ArgumentException>();
        writer.Invoking(w => w.Write("odd", 4, new byte[4])).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Constructor_FolderMissing_NamesTheFile()
    {
        var act = () => new SafetensorsWriter(_folder.Combine("absent", "m.safetensors"), Mixed);

        act.Should().Throw<AlpacaException>().WithMessage("*m.safetensors cannot be written*");
    }

    [Fact]
    public void ShardedComplete_SmallModel_IsOneFileWithoutIndex()
    {
        WriteSharded(maxShardBytes: 1000).Should().Equal("model.safetensors");

        Directory.GetFiles(_folder.Path).Should().ContainSingle();
    }

    [Fact]
    public void ShardedComplete_LargerThanAShard_OpensThroughItsIndex()
    {
        var names = WriteSharded(maxShardBytes: 24);

        names.Should().Equal("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
        using var source = TensorSource.Open(_folder.Path);
        source.Tensors.Select(t => t.Name).Should().BeEquivalentTo(Mixed.Select(t => t.Name));
        foreach (var tensor in Mixed)
        {
            source.ReadBytes(source.Find(tensor.Name)!).Should().Equal(Content(tensor));
        }

        File.ReadAllText(_folder.Combine("model.safetensors.index.json")).Should().Contain($"\"total_size\": {Mixed.Sum(t => t.ByteLength)}");
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/model.safetensors")]
    [InlineData("..\\\\model.safetensors")]
    [InlineData("..")]
    [InlineData("C:model.safetensors")]
    public void Open_IndexThatLeavesTheFolder_IsRefused(string file)
    {
        _folder.Write("model.safetensors.index.json", $$$"""{"weight_map":{"w":"{{{file}}}"}}""");

        var act = () => TensorSource.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*index.json*only names of files in the same folder*");
    }

    [Fact]
    public void Open_IndexWithAShardMissing_NamesIt()
    {
        WriteSharded(maxShardBytes: 24);
        File.Delete(_folder.Combine("model-00002-of-00002.safetensors"));

        var act = () => TensorSource.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*index.json names model-00002-of-00002.safetensors*");
    }

    [Fact]
    public void Open_IndexOfAnotherModel_NamesTheTensor()
    {
        WriteSharded(maxShardBytes: 24);
        var index = _folder.Combine("model.safetensors.index.json");
        File.WriteAllText(index, File.ReadAllText(index).Replace("\"odd\"", "\"other\"", StringComparison.Ordinal));

        var act = () => TensorSource.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*do not hold: other in*");
    }

    private IReadOnlyList<string> WriteSharded(long maxShardBytes)
    {
        using var writer = new ShardedSafetensorsWriter(_folder.Path, Mixed, maxShardBytes);
        foreach (var tensor in Mixed)
        {
            writer.Write(tensor.Name, 0, Content(tensor));
        }

        writer.Complete();
        return writer.FileNames;
    }

    private static byte[] Content(TensorInfo tensor) => [.. Enumerable.Range(0, (int)tensor.ByteLength).Select(i => (byte)(i + tensor.Name.Length))];
}
