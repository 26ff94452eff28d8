using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Pth;

public sealed class PthFileTests
{
    [Theory]
    [InlineData("values.pth")]
    [InlineData("values-protocol4.pth")]
    [InlineData("values-legacy.pth")]
    public void Open_EveryTypeAndLayoutOfPyTorch_ReadsTheSameValues(string file)
    {
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Fixture.Path("values.json")));

        using var source = TensorSource.Open(Fixture.Path(file));

        source.Tensors.Select(t => t.Name).Should().Equal(expected.RootElement.EnumerateObject().Select(p => p.Name));
        foreach (var property in expected.RootElement.EnumerateObject())
        {
            var tensor = source.Find(property.Name)!;
            tensor.DType.TorchName().Should().Be(property.Value.GetProperty("dtype").GetString());
            tensor.Shape.Should().Equal(property.Value.GetProperty("shape").EnumerateArray().Select(v => v.GetInt64()));
            source.Sha256(tensor).Should().Be(property.Value.GetProperty("sha256").GetString(), "of {0}", property.Name);
        }
    }

    [Theory]
    [InlineData("transposed")]
    [InlineData("sliced")]
    [InlineData("shared")]
    public void Read_PartOfAnyLayout_IsThatPartOfTheContiguousData(string name)
    {
        using var source = TensorSource.Open(Fixture.Path("values.pth"));
        var tensor = source.Find(name)!;
        var all = source.ReadBytes(tensor);

        for (var first = 0; first < all.Length; first += 12)
        {
            var part = new byte[Math.Min(20, all.Length - first)];
            source.Read(tensor, first, part);
            part.Should().Equal(all.AsSpan(first, part.Length).ToArray());
        }
    }

    [Fact]
    public void Open_StateDictWithMetadata_HoldsItsTensors()
    {
        using var source = TensorSource.Open(Fixture.Path("state-dict.pth"));

        source.Tensors.Select(t => t.Name).Should().Equal("weight", "bias");
    }

    [Fact]
    public void Open_PickleThatWouldRunCode_IsRefusedByName()
    {
        var act = () => TensorSource.Open(Fixture.Path("evil.pth"));

        act.Should().Throw<AlpacaException>().WithMessage("*evil.pth is not loaded*posix.system*");
    }

    [Theory]
    [InlineData("values.pth")]
    [InlineData("values-legacy.pth")]
    public void Open_CutShortAnywhere_NamesTheFile(string name)
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllBytes(Fixture.Path(name));
        var path = folder.Combine("cut.pth");
        for (var length = 0; length < whole.Length; length += 61)
        {
            File.WriteAllBytes(path, whole.AsSpan(0, length).ToArray());

            var act = () => TensorSource.Open(path).Dispose();

            act.Should().Throw<AlpacaException>("of length {0}", length).WithMessage("*cut.pth*");
        }
    }

    [Theory]
    [InlineData("values.pth", 1)]
    [InlineData("values-protocol4.pth", 2)]
    [InlineData("values-legacy.pth", 3)]
    public void Open_AnyBytesChanged_ReadsOrNamesTheFile(string name, int seed)
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllBytes(Fixture.Path(name));
        var path = folder.Combine("changed.pth");
        var random = new Random(seed);
        var refused = 0;
        for (var i = 0; i < 400; i++)
        {
            var bytes = whole.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(path, bytes);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var source = TensorSource.Open(path);
                foreach (var tensor in source.Tensors)
                {
                    source.Sha256(tensor);
                }
            }
            catch (AlpacaException e)
            {
                refused++;
                e.Message.Should().Contain("changed.pth");
            }

            (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(8 << 20);
        }

        refused.Should().BeGreaterThan(25);
    }

    [Fact]
    public void Open_StorageTooShortForItsTensor_IsDamaged()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Combine("short.pth");
        var pickle = StateDictPickle.Write([new TensorInfo("w", DType.Float32, [1000])]);
        WriteZip(path, ("x/data.pkl", pickle), ("x/data/0", new byte[399]), ("x/version", "3\n"u8.ToArray()));

        var act = () => TensorSource.Open(path);

        act.Should().Throw<AlpacaException>().WithMessage("*short.pth is damaged: x/data/0 has 399 bytes*");
    }

    [Theory]
    [InlineData(new byte[] { 0x80, 2, (byte)'}', (byte)'.' }, "*holds no tensors*")]
    [InlineData(new byte[] { 0x80, 2, (byte)']', (byte)'.' }, "*does not hold a dictionary*")]
    [InlineData(new byte[] { 0x80, 2, (byte)'i', (byte)'.' }, "*instruction 0x69*")]
    [InlineData(new byte[] { 0x80, 2, (byte)'X', 255, 255, 255, 127 }, "*cut short or damaged*")]
    [InlineData(new byte[] { 0x80, 2, (byte)'h', 7, (byte)'.' }, "*makes no sense*")]
    [InlineData(new byte[] { 0x80, 2, (byte)'.' }, "*makes no sense*")]
    public void Open_OtherPickles_SayWhatIsWrong(byte[] pickle, string message)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Combine("odd.pth");
        WriteZip(path, ("x/data.pkl", pickle));

        var act = () => TensorSource.Open(path);

        act.Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*odd.pth*");
    }

    [Fact]
    public void Open_CompressedZip_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Combine("deflated.pth");
        WriteZip(path, System.IO.Compression.CompressionLevel.SmallestSize, ("x/data.pkl", new byte[1000]));

        var act = () => TensorSource.Open(path);

        act.Should().Throw<AlpacaException>().WithMessage("*deflated.pth holds x/data.pkl compressed*");
    }

    private static void WriteZip(string path, params (string Name, byte[] Data)[] members) => WriteZip(path, System.IO.Compression.CompressionLevel.NoCompression, members);

    private static void WriteZip(string path, System.IO.Compression.CompressionLevel level, params (string Name, byte[] Data)[] members)
    {
        using var zip = new System.IO.Compression.ZipArchive(File.Create(path), System.IO.Compression.ZipArchiveMode.Create);
        foreach (var (name, data) in members)
        {
            using var stream = zip.CreateEntry(name, level).Open();
            stream.Write(data);
        }
    }
}
