using System.Text;
using Alpaca.Formats.Tests.Hostile;

namespace Alpaca.Formats.Tests.Pth;

/// <summary>Files beyond 4 GiB, most of which is a hole that costs no disk.</summary>
public sealed class Zip64Tests : IDisposable
{
    private const long Large = (4L << 30) + (64 << 10) + 3;

    private const string ListMembers =
        """
        import sys, zipfile
        for i in zipfile.ZipFile(sys.argv[1]).infolist(): print(i.filename, i.file_size, i.compress_size, i.header_offset)
        """;

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.Combine("large.pth");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_SparseFileBeyondFourGiB_ReadsBothSidesOfTheLimit()
    {
        var pickle = Pickle.Program(Pickle.Dictionary(("large", Pickle.Tensor(Pickle.Storage("0", "ByteStorage", Large), 0, [Large], [1])), ("small", Pickle.Tensor(Pickle.Storage("1", "HalfStorage", 2), 0, [2], [1]))));
        using (var output = File.Create(FilePath))
        using (var writer = new BinaryWriter(output))
        {
            var members = new[] { Member(writer, "x/data/0", [], Large), Member(writer, "x/data/1", [1, 2, 3, 4], 4), Member(writer, "x/data.pkl", pickle, pickle.Length) };
            output.Position = members[0].Data + Large - 1;
            var start = members[^1].Data + pickle.Length;
            output.WriteByte(9);
            output.Position = start;
            foreach (var (name, header, _, length) in members)
            {
                writer.Write([0x50, 0x4b, 1, 2, 45, 0, 45, 0, .. new byte[12]]);
                writer.Write(uint.MaxValue);
                writer.Write(uint.MaxValue);
                writer.Write((ushort)name.Length);
                writer.Write((ushort)28);
                writer.Write(new byte[10]);
                writer.Write(uint.MaxValue);
                writer.Write(Encoding.ASCII.GetBytes(name));
                writer.Write([1, 0, 24, 0, .. BitConverter.GetBytes(length), .. BitConverter.GetBytes(length), .. BitConverter.GetBytes(header)]);
            }

            var end = output.Position;
            writer.Write([0x50, 0x4b, 6, 6, .. BitConverter.GetBytes(44L), 45, 0, 45, 0, .. new byte[8], .. BitConverter.GetBytes(3L), .. BitConverter.GetBytes(3L)]);
            writer.Write([.. BitConverter.GetBytes(end - start), .. BitConverter.GetBytes(start), 0x50, 0x4b, 6, 7, 0, 0, 0, 0, .. BitConverter.GetBytes(end), 1, 0, 0, 0]);
            writer.Write([0x50, 0x4b, 5, 6, 0, 0, 0, 0, .. Enumerable.Repeat((byte)0xFF, 12), 0, 0]);
        }

        using var source = TensorSource.Open(FilePath);

        var large = source.Find("large")!;
        large.ByteLength.Should().Be(Large);
        var tail = new byte[2];
        source.Read(large, Large - 2, tail);
        tail.Should().Equal(0, 9);
        source.ReadBytes(source.Find("small")!).Should().Equal(1, 2, 3, 4);
        Python.List(ListMembers, FilePath)?.Should().Equal($"x/data/0 {Large} {Large} 0", $"x/data/1 4 4 {Large + 38}", $"x/data.pkl {pickle.Length} {pickle.Length} {Large + 38 + 42}");
    }

    [Fact]
    public void Open_SparseSafetensorsBeyondFourGiB_ReadsBothSidesOfTheLimit()
    {
        var path = _folder.Combine("large.safetensors");
        File.WriteAllBytes(path, SafetensorsMutations.File($$"""{"a":{"dtype":"U8","shape":[{{Large}}],"data_offsets":[0,{{Large}}]},"b":{"dtype":"U8","shape":[1],"data_offsets":[{{Large}},{{Large + 1}}]} }""", 1));
        using (var file = File.OpenWrite(path))
        {
            file.Position = file.Length - 1 + Large;
            file.WriteByte(7);
        }

        using var source = TensorSource.Open(path);

        source.ReadBytes(source.Find("b")!).Should().Equal(7);
        source.Find("a")!.ByteLength.Should().Be(Large);
    }

    [Fact, Trait("Category", "Slow")]
    public void Complete_BeyondFourGiB_ReadsBackAndPythonAgrees()
    {
        var chunk = new byte[64 << 20];
        new Random(1).NextBytes(chunk);
        using (var writer = new PthWriter(FilePath, [new TensorInfo("large", DType.UInt8, [Large]), new TensorInfo("small", DType.Float16, [2])]))
        {
            for (long offset = 0; offset < Large; offset += chunk.Length)
            {
                writer.Write("large", offset, chunk.AsSpan(0, (int)Math.Min(chunk.Length, Large - offset)));
            }

            writer.Write("small", 0, [1, 2, 3, 4]);
            writer.Complete();
        }

        using var source = TensorSource.Open(FilePath);

        source.ReadBytes(source.Find("small")!).Should().Equal(1, 2, 3, 4);
        var part = new byte[1000];
        source.Read(source.Find("large")!, Large - 1000, part);
        var last = (int)(Large % chunk.Length);
        part.Should().Equal(chunk.AsSpan(last - 1000, 1000).ToArray());
        Python.List("import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip()); [print(i.filename, i.file_size) for i in z.infolist()]", FilePath)?
            .Should().StartWith(["None"]).And.Contain([$"large/data/0 {Large}", "large/data/1 4", "large/version 2"]);
    }

    private static (string Name, long Header, long Data, long Length) Member(BinaryWriter writer, string name, byte[] data, long length)
    {
        var header = writer.BaseStream.Position;
        writer.Write([0x50, 0x4b, 3, 4, 45, 0, .. new byte[20], (byte)name.Length, 0, 0, 0, .. Encoding.ASCII.GetBytes(name)]);
        var start = writer.BaseStream.Position;
        writer.Write(data);
        writer.BaseStream.Position = start + length;
        return (name, header, start, length);
    }
}
