using System.IO.Compression;

namespace Alpaca.Formats.Tests.Pth;

public sealed class PthWriterTests : IDisposable
{
    private static readonly TensorInfo[] Tensors =
    [
        new("half.weight", DType.Float16, [3, 5]), new("brain", DType.BFloat16, [7]), new("single", DType.Float32, [2, 2, 2]), new("long", DType.Int64, [3]),
        new("flags", DType.Bool, [3]), new("scalar", DType.Float64, []), new("empty", DType.Float32, [0, 4]), new("名前", DType.UInt8, [200_000]),
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Complete_WrittenInPieces_ReadsBackTheSame()
    {
        var path = _folder.Combine("model.pth");
        var data = Write(path);

        using var source = TensorSource.Open(path);

        source.Tensors.Select(t => (t.Name, t.DType, string.Join(",", t.Shape))).Should().Equal(Tensors.Select(t => (t.Name, t.DType, string.Join(",", t.Shape))));
        foreach (var tensor in source.Tensors)
        {
            source.ReadBytes(tensor).Should().Equal(data[tensor.Name]);
        }
    }

    [Fact]
    public void Complete_Written_IsASoundZipWithAlignedMembers()
    {
        var path = _folder.Combine("model.pth");
        var data = Write(path);

        using var zip = ZipFile.OpenRead(path);
        using var file = new ReadOnlyFile(path);
        zip.Entries.Select(e => e.FullName).Should().Equal(["model/data.pkl", .. Enumerable.Range(0, Tensors.Length).Select(i => $"model/data/{i}"), "model/version"]);
        for (var i = 0; i < Tensors.Length; i++)
        {
            zip.GetEntry($"model/data/{i}")!.Crc32.Should().Be(Crc32.Compute(data[Tensors[i].Name]));
        }

        ZipDirectory.Read(file).Values.Should().OnlyContain(e => e.DataOffset % 64 == 0);
    }

    [PyTorchFact, Trait("Category", "Slow")]
    public void Complete_Written_OpensInPyTorch()
    {
        var path = _folder.Combine("consolidated.00.pth");
        var data = Write(path);

        var printed = Python.Run(
            """
            import sys, hashlib, torch, zipfile
            assert zipfile.ZipFile(sys.argv[1]).testzip() is None
            for name, t in torch.load(sys.argv[1]).items():
                raw = t.view(torch.int16) if t.dtype == torch.bfloat16 else t
                print(ascii(name), str(t.dtype)[6:], list(t.shape), hashlib.sha256(raw.numpy().tobytes()).hexdigest())
            """, path);

        printed.Split('\n').Should().Equal(Tensors.Select(t =>
            $"{(t.Name == "名前" ? @"'\u540d\u524d'" : $"'{t.Name}'")} {t.DType.TorchName()} [{string.Join(", ", t.Shape)}] {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(data[t.Name]))}"));
    }

    [Fact]
    public void Complete_ATensorNotWhole_ThrowsAndPublishesNothing()
    {
        var path = _folder.Combine("model.pth");
        using (var writer = new PthWriter(path, [new TensorInfo("w", DType.Float32, [4])]))
        {
            writer.Write("w", 0, new byte[12]);

            writer.Invoking(w => w.Complete()).Should().Throw<InvalidOperationException>().WithMessage("12 of 16 bytes of the tensor w*");
        }

        Directory.GetFiles(_folder.Path).Should().BeEmpty();
    }

    private static Dictionary<string, byte[]> Write(string path)
    {
        var random = new Random(3);
        var data = Tensors.ToDictionary(t => t.Name, t =>
        {
            var bytes = new byte[t.ByteLength];
            random.NextBytes(bytes);
            return t.DType == DType.Bool ? [.. bytes.Select(b => (byte)(b & 1))] : bytes;
        });
        using var writer = new PthWriter(path, Tensors);
        foreach (var tensor in Tensors.Reverse())
        {
            var bytes = data[tensor.Name];
            foreach (var (start, length) in Pieces(bytes.Length).Reverse())
            {
                writer.Write(tensor.Name, start, bytes.AsSpan(start, length));
            }
        }

        writer.Complete();
        return data;
    }

    private static IEnumerable<(int Start, int Length)> Pieces(int length)
    {
        for (var start = 0; start < length; start += 65_000)
        {
            yield return (start, Math.Min(65_000, length - start));
        }
    }
}
