namespace Alpaca.Formats.Tests.Tensors;

/// <summary>What every <see cref="ITensorWriter"/> does: the suite that each implementation passes.</summary>
public abstract class TensorWriterContractTests : IDisposable
{
    private static readonly LlamaConfig Config = new()
    {
        HiddenSize = 16, IntermediateSize = 24, NumHiddenLayers = 1, NumAttentionHeads = 4, NumKeyValueHeads = 2, VocabSize = 9, TorchDType = DType.Float16,
    };

    private static readonly TensorInfo[] Tensors = [.. LlamaTensorNames.Describe(Config)];

    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void Read_BeforeComplete_GivesBackWhatWasWritten(int elementsAtOnce)
    {
        using var writer = Create(_folder.Path, Config, Tensors);
        var data = Fill(writer);

        foreach (var tensor in Tensors)
        {
            var back = new byte[tensor.ByteLength];
            for (var offset = 0; offset < back.Length; offset += 2 * elementsAtOnce)
            {
                writer.Read(tensor.Name, offset, back.AsSpan(offset, Math.Min(2 * elementsAtOnce, back.Length - offset)));
            }

            back.Should().Equal(data[tensor.Name], tensor.Name);
        }
    }

    [Fact]
    public void Read_UnknownOrBeyondTheEnd_IsAnArgumentError()
    {
        using var writer = Create(_folder.Path, Config, Tensors);
        Fill(writer);

        FluentActions.Invoking(() => writer.Read("nothing", 0, new byte[2])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => writer.Read(LlamaTensorNames.Norm, 32, new byte[2])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => writer.Read(LlamaTensorNames.Norm, -2, new byte[2])).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Complete_SomethingMissing_PublishesNothing()
    {
        using (var writer = Create(_folder.Path, Config, Tensors))
        {
            writer.Write(LlamaTensorNames.Norm, 0, new byte[32]);

            FluentActions.Invoking(writer.Complete).Should().Throw<InvalidOperationException>();
        }

        Directory.GetFileSystemEntries(_folder.Path).Should().BeEmpty();
    }

    private protected abstract ITensorWriter Create(string folder, LlamaConfig config, IReadOnlyList<TensorInfo> tensors);

    private static Dictionary<string, byte[]> Fill(ITensorWriter writer)
    {
        var random = new Random(5);
        var data = new Dictionary<string, byte[]>();
        foreach (var tensor in writer.Tensors)
        {
            var bytes = data[tensor.Name] = new byte[tensor.ByteLength];
            random.NextBytes(bytes);
            writer.Write(tensor.Name, 0, bytes);
        }

        return data;
    }
}

public sealed class SafetensorsWriterContractTests : TensorWriterContractTests
{
    private protected override ITensorWriter Create(string folder, LlamaConfig config, IReadOnlyList<TensorInfo> tensors) => new SafetensorsWriter(Path.Combine(folder, "model.safetensors"), tensors);
}

public sealed class ShardedSafetensorsWriterContractTests : TensorWriterContractTests
{
    private protected override ITensorWriter Create(string folder, LlamaConfig config, IReadOnlyList<TensorInfo> tensors) => new ShardedSafetensorsWriter(folder, tensors, maxShardBytes: 1000);
}

public sealed class PthWriterContractTests : TensorWriterContractTests
{
    private protected override ITensorWriter Create(string folder, LlamaConfig config, IReadOnlyList<TensorInfo> tensors) => new PthWriter(Path.Combine(folder, "model.pth"), tensors);
}

public sealed class MetaModelWriterContractTests : TensorWriterContractTests
{
    private protected override ITensorWriter Create(string folder, LlamaConfig config, IReadOnlyList<TensorInfo> tensors) => new MetaModelWriter(folder, config, tensors, shardCount: 2);
}
