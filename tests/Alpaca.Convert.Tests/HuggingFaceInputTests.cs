using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert.Tests;

/// <summary>Folders that are in Hugging Face's layout already.</summary>
public sealed class HuggingFaceInputTests : IDisposable
{
    private static readonly LlamaConfig Config = OriginalCheckpoint.Config(heads: 4, keyHeads: 2, headDim: 4, DType.BFloat16, vocabulary: 11);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pytorch_model.bin")]
    [InlineData("model.safetensors")]
    public async Task ExecuteAsync_OneFile_IsRewrittenBitForBit(string file)
    {
        var (input, digests) = WriteModel(folder => file.EndsWith(".bin", StringComparison.Ordinal)
            ? new PthWriter(Path.Combine(folder, file), Tensors())
            : new SafetensorsWriter(Path.Combine(folder, file), Tensors()));

        var output = await Convert(new ConvertRequest { InputDir = input });

        Digests(output).Should().Equal(digests);
        Directory.GetFiles(output).Select(Path.GetFileName).Should().BeEquivalentTo(
            "model.safetensors", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja");
        foreach (var name in (string[])["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"])
        {
            File.ReadAllBytes(Path.Combine(output, name)).Should().Equal(File.ReadAllBytes(Path.Combine(input, name)), name);
        }
    }

    [Fact]
    public async Task ExecuteAsync_SeveralFiles_AreRewrittenBitForBit()
    {
        var (input, digests) = WriteModel(folder => new ShardedSafetensorsWriter(folder, Tensors(), maxShardBytes: 1000));
        Directory.GetFiles(input, "model-*").Should().HaveCountGreaterThan(3);

        var output = await Convert(new ConvertRequest { InputDir = input });

        Digests(output).Should().Equal(digests);
        File.Exists(Path.Combine(output, "model.safetensors")).Should().BeTrue();
    }

    [Fact]
    public async Task ExecuteAsync_ToPth_LeavesSavedFrequenciesOutAndComesBack()
    {
        var (input, digests) = WriteModel(folder => new SafetensorsWriter(Path.Combine(folder, "model.safetensors"), Tensors()));

        var pth = await Convert(new ConvertRequest { InputDir = input, OutputType = ModelFormat.Pth, NumShards = 2 }, "pth");
        var back = await Convert(new ConvertRequest { InputDir = pth }, "back");

        Digests(back).Should().Equal(digests.Where(d => !LlamaTensorNames.IsRotaryFrequencies(d.Key)).ToDictionary());
    }

    [Fact]
    public async Task ExecuteAsync_OptionsThatDoNotApply_AreAllRefused()
    {
        var (input, _) = WriteModel(folder => new SafetensorsWriter(Path.Combine(folder, "model.safetensors"), Tensors()));

        await Refused(
            new ConvertRequest { InputDir = input, NumShards = 2, LlamaVersion = "2", ModelSize = "7B" },
            "*--num-shards is for the output type pth*--llama-version is for original weights*16 wide with 2 layers, 7B is 4096 wide with 32*");
    }

    [Fact]
    public async Task ExecuteAsync_ScalingThatMetaHasNot_IsRefused()
    {
        var (input, _) = WriteModel(
            folder => new SafetensorsWriter(Path.Combine(folder, "model.safetensors"), Tensors()), Config with { RopeScaling = new RopeScaling("linear", 2) });

        await Refused(new ConvertRequest { InputDir = input, OutputType = ModelFormat.Pth, LlamaVersion = "3.1" }, "*no rope_scaling of type linear*huggingface*");
    }

    [Fact]
    public async Task ExecuteAsync_WeightsThatDoNotFit_AreRefused()
    {
        var (input, _) = WriteModel(folder => new SafetensorsWriter(Path.Combine(folder, "model.safetensors"), Tensors()), Config with { VocabSize = 12 });

        await Refused(new ConvertRequest { InputDir = input, NumShards = 2 }, "*embed_tokens.weight is [11, 16], the configuration says [12, 16]*--num-shards*");
    }

    // Old files have the rotary frequencies among the weights.
    private static List<TensorInfo> Tensors() => [.. LlamaTensorNames.Describe(Config), new("model.layers.0.self_attn.rotary_emb.inv_freq", DType.Float32, [2])];

    private (string Folder, Dictionary<string, string> Digests) WriteModel(Func<string, ITensorWriter> create, LlamaConfig? config = null)
    {
        var folder = _folder.CreateFolder("input");
        using (var writer = create(folder))
        {
            var random = new Random(3);
            foreach (var tensor in writer.Tensors)
            {
                var bytes = new byte[tensor.ByteLength];
                random.NextBytes(bytes);
                writer.Write(tensor.Name, 0, bytes);
            }

            writer.Complete();
        }

        (config ?? Config).Save(folder);
        foreach (var name in (string[])["generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "README.md"])
        {
            File.WriteAllText(Path.Combine(folder, name), $"{{\"of\": \"{name}\"}}");
        }

        return (folder, Digests(folder));
    }

    private static Dictionary<string, string> Digests(string folder)
    {
        using var source = TensorSource.Open(folder);
        return source.Tensors.OrderBy(t => t.Name, StringComparer.Ordinal).ToDictionary(t => t.Name, t => $"{t.DType} [{string.Join(", ", t.Shape)}] {source.Sha256(t)}");
    }

    private async Task Refused(ConvertRequest request, string message)
    {
        var act = () => Convert(request, "refused");

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
        Directory.GetFileSystemEntries(_folder.Combine("refused")).Should().BeEmpty("nothing is written before everything is checked");
    }

    private async Task<string> Convert(ConvertRequest request, string output = "out")
    {
        var context = StageContexts.In(_folder, output);
        await new CheckpointConverter().ExecuteAsync(request, context);
        return context.OutputFolder;
    }
}
