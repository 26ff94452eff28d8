using System.Security.Cryptography;
using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Pth;

/// <summary>One run of Fixtures/interoperate.py: PyTorch reads what is written here and writes what is read here.</summary>
public sealed class PyTorchRun : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PyTorchRun()
    {
        if (Python.SkipReason is not null)
        {
            return;
        }

        var random = new Random(13);
        foreach (var tensor in Tensors)
        {
            var bytes = new byte[tensor.ByteLength];
            random.NextBytes(bytes);
            Data[tensor.Name] = tensor.DType == DType.Bool ? [.. bytes.Select(b => (byte)(b & 1))] : bytes;
        }

        Write(new PthWriter(Path("ours.pth"), Tensors));
        Write(new SafetensorsWriter(Path("ours.safetensors"), Tensors));
        Output = JsonDocument.Parse(Python.RunFile(Fixture.Path("interoperate.py"), _folder.Path));
    }

    internal static IReadOnlyList<TensorInfo> Tensors { get; } =
    [
        .. Enum.GetValues<DType>().SelectMany(dtype => (TensorInfo[])[new($"{dtype}.matrix", dtype, [3, 5]), new($"{dtype}.scalar", dtype, []), new($"{dtype}.empty", dtype, [0, 4])]),
        new("名前", DType.UInt8, [70_000]), new("deep", DType.Float32, [1, 2, 1, 3, 1, 2, 1]),
    ];

    internal Dictionary<string, byte[]> Data { get; } = [];

    internal JsonDocument? Output { get; }

    public void Dispose()
    {
        Output?.Dispose();
        _folder.Dispose();
    }

    internal string Path(string name) => _folder.Combine(name);

    private void Write(ITensorWriter writer)
    {
        using (writer)
        {
            foreach (var tensor in Tensors)
            {
                writer.Write(tensor.Name, 0, Data[tensor.Name]);
            }

            writer.Complete();
        }
    }
}

public sealed class PyTorchInteroperabilityTests(PyTorchRun run) : IClassFixture<PyTorchRun>
{
    [PyTorchTheory, Trait("Category", "Slow")]
    [InlineData("ours")]
    [InlineData("safetensors")]
    public void Complete_EveryType_IsReadByPyTorchWithTheSameValues(string file)
    {
        var read = run.Output!.RootElement.GetProperty(file);

        read.EnumerateObject().Select(p => p.Name).Should().BeEquivalentTo(PyTorchRun.Tensors.Select(t => t.Name));
        foreach (var tensor in PyTorchRun.Tensors)
        {
            Check(read.GetProperty(tensor.Name), tensor, Convert.ToHexStringLower(SHA256.HashData(run.Data[tensor.Name])));
        }
    }

    [PyTorchTheory, Trait("Category", "Slow")]
    [InlineData("values")]
    [InlineData("model")]
    public void Open_EveryTypeAndLayoutOfEveryFormat_HasPyTorchsValues(string stem)
    {
        foreach (var format in (string[])["zip", "legacy", "protocol4"])
        {
            using var source = TensorSource.Open(run.Path($"{stem}.{format}.pth"));

            var expected = run.Output!.RootElement.GetProperty(stem);
            source.Tensors.Select(t => t.Name).Should().Equal(expected.EnumerateObject().Select(p => p.Name), format);
            foreach (var tensor in source.Tensors)
            {
                Check(expected.GetProperty(tensor.Name), tensor, source.Sha256(tensor));
            }
        }
    }

    [PyTorchTheory, Trait("Category", "Slow")]
    [InlineData(0, "posix.system")]
    [InlineData(1, "builtin*.eval")]
    [InlineData(2, "builtin*.exec")]
    [InlineData(3, "builtin*.getattr")]
    [InlineData(4, "torch.serialization.load")]
    public void Open_PicklesThatRunCode_AreRefusedByNameAndNotRun(int number, string name)
    {
        foreach (var file in (string[])[$"evil-{number}.pth", $"evil-{number}-legacy.pth"])
        {
            FluentActions.Invoking(() => TensorSource.Open(run.Path(file))).Should().Throw<AlpacaException>().WithMessage($"*{file} is not loaded*{name}*");
        }

        File.Exists(run.Path("ran")).Should().BeFalse();
    }

    private static void Check(JsonElement expected, TensorInfo actual, string sha256)
    {
        actual.DType.TorchName().Should().Be(expected.GetProperty("dtype").GetString(), "of {0}", actual.Name);
        actual.Shape.Should().Equal(expected.GetProperty("shape").EnumerateArray().Select(v => v.GetInt64()), "of {0}", actual.Name);
        sha256.Should().Be(expected.GetProperty("sha256").GetString(), "of {0}", actual.Name);
    }
}
