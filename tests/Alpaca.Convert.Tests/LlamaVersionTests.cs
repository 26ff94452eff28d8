using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert.Tests;

/// <summary>Which generation of LLaMA a checkpoint is of, and what follows from that.</summary>
public sealed class LlamaVersionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The models that Meta published, by dim, layers, heads, key heads, vocabulary, norm_eps, rope_theta.</summary>
    [Theory]
    [InlineData("LLaMA 7B", 4096, 32, 32, 32, 32000, 1e-6, 1e4, false, false, "1", 2048)]
    [InlineData("LLaMA 13B", 5120, 40, 40, 40, 32000, 1e-6, 1e4, false, false, "1", 2048)]
    [InlineData("LLaMA 30B", 6656, 60, 52, 52, 32000, 1e-6, 1e4, false, false, "1", 2048)]
    [InlineData("LLaMA 65B", 8192, 80, 64, 64, 32000, 1e-5, 1e4, false, false, "1", 2048)]
    [InlineData("Llama 2 7B", 4096, 32, 32, 32, 32000, 1e-5, 1e4, false, false, "2", 4096)]
    [InlineData("Llama 2 13B", 5120, 40, 40, 40, 32000, 1e-5, 1e4, false, false, "2", 4096)]
    [InlineData("Llama 2 70B", 8192, 80, 64, 8, 32000, 1e-5, 1e4, false, false, "2", 4096)]
    [InlineData("Code Llama 7B", 4096, 32, 32, 32, 32016, 1e-5, 1e6, false, false, "2", 16384)]
    [InlineData("Code Llama 34B", 8192, 48, 64, 8, 32000, 1e-5, 1e6, false, false, "2", 16384)]
    [InlineData("Llama 3 8B", 4096, 32, 32, 8, 128256, 1e-5, 5e5, false, false, "3", 8192)]
    [InlineData("Llama 3 70B", 8192, 80, 64, 8, 128256, 1e-5, 5e5, false, false, "3", 8192)]
    [InlineData("Llama 3.1 8B", 4096, 32, 32, 8, 128256, 1e-5, 5e5, true, false, "3.1", 131072)]
    [InlineData("Llama 3.1 70B", 8192, 80, 64, 8, 128256, 1e-5, 5e5, true, false, "3.1", 131072)]
    [InlineData("Llama 3.2 1B", 2048, 16, 32, 8, 128256, 1e-5, 5e5, true, true, "3.2", 131072)]
    [InlineData("Llama 3.2 3B", 3072, 28, 24, 8, 128256, 1e-5, 5e5, true, true, "3.2", 131072)]
    public void Detect_PublishedModels_IsTheirVersionAndContext(
        string model, int dim, int layers, int heads, int keyHeads, int vocabulary, double eps, double theta, bool scaled, bool tied, string version, int positions)
    {
        var parameters = new MetaParameters { Dim = dim, NLayers = layers, NHeads = heads, NKvHeads = keyHeads, NormEps = eps, RopeTheta = theta, UseScaledRope = scaled };
        var shapes = MetaLayout.ConfigOf(parameters, vocabulary, 1, DType.BFloat16) with { TieWordEmbeddings = tied };

        var detected = LlamaVersions.Detect(shapes, tokenizer: null);
        var config = OriginalConfig.Of(shapes, parameters, detected);

        detected.Number().Should().Be(version, model);
        LlamaVersions.FindContradictions(detected, shapes, tokenizer: null).Should().BeEmpty(model);
        config.MaxPositionEmbeddings.Should().Be(positions);
        config.RopeScaling.Should().Be(scaled ? MetaLayout.Llama3RopeScaling(tied ? 32 : 8) : null);
        if (vocabulary == 128256)
        {
            (config.BosTokenId, config.EosTokenId, config.PadTokenId).Should().Be((128000, 128001, null));
        }
        else
        {
            (config.BosTokenId, config.EosTokenId, config.PadTokenId).Should().Be((1, 2, 0));
        }
    }

    [Theory]
    [InlineData("2", 4, 300, "", 4096)]
    [InlineData("2", 2, 300, "", 4096)]
    [InlineData("3", 2, 300, "", 8192)]
    [InlineData("1", 4, 300, ", \"max_seq_len\": 512", 512)]
    [InlineData("3.1", 4, 300, ", \"use_scaled_rope\": true", 131072)]
    public async Task ExecuteAsync_NamedVersion_Decides(string version, int keyHeads, int vocabulary, string more, int positions)
    {
        var input = Checkpoint(keyHeads, vocabulary, more);

        var context = StageContexts.In(_folder);
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = input, LlamaVersion = version }, context);

        LlamaConfig.Load(context.OutputFolder).MaxPositionEmbeddings.Should().Be(positions);
    }

    [Theory]
    [InlineData("1", 2, 300, "", "*--llama-version 1 contradicts*no grouped-query attention, the model has 2 key heads for 4*")]
    [InlineData("2", 4, 128256, "", "*Llama 2 has no vocabulary as large as the 128256 rows*")]
    [InlineData("3", 4, 200, "", "*Llama 3 has 256 special tokens alone, the embedding has 200 rows*")]
    [InlineData("2", 4, 300, ", \"use_scaled_rope\": true", "*Llama 2 has no scaled positions*")]
    [InlineData("3", 4, 300, ", \"use_scaled_rope\": true", "*Llama 3 has no scaled positions*")]
    [InlineData("3.1", 4, 300, "", "*Llama 3.1 has scaled positions (use_scaled_rope), this model has none*")]
    [InlineData("3.2", 2, 300, ", \"use_scaled_rope\": true", "*Llama 3.2 has the embedding as its output layer*")]
    [InlineData("3.2", 2, 200, "", "*256 special tokens*this model has none*has the embedding as its output layer*leave it out*")]
    public async Task ExecuteAsync_NamedVersionThatContradicts_IsRefused(string version, int keyHeads, int vocabulary, string more, string message)
    {
        var input = Checkpoint(keyHeads, vocabulary, more);
        var context = StageContexts.In(_folder);

        var act = () => new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = input, LlamaVersion = version }, context);

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
        Directory.GetFileSystemEntries(context.OutputFolder).Should().BeEmpty();
    }

    [Theory]
    [InlineData(true, null, 32)]
    [InlineData(false, null, 32)]
    [InlineData(false, 16.0, 16)]
    public async Task ExecuteAsync_TiedEmbeddings_HaveNoOutputLayer(bool isCopy, double? factor, double expectedFactor)
    {
        var config = OriginalCheckpoint.Config(heads: 4, keyHeads: 2, headDim: 4, DType.BFloat16, vocabulary: 300) with { TieWordEmbeddings = true };
        var input = _folder.CreateFolder("tied");
        // The writer of a tied model writes the copy; one that is not said to be tied, and has no output layer, has none.
        OriginalCheckpoint.Write(input, config with { TieWordEmbeddings = isCopy }, shards: 2, MetaSplit.Rows, without: LlamaTensorNames.LmHead);
        File.WriteAllText(Path.Combine(input, "params.json"), (MetaLayout.ParametersOf(config) with { UseScaledRope = true, RopeScalingFactor = factor }).ToJson());

        var context = StageContexts.In(_folder);
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = input }, context);

        using var model = HuggingFaceModel.Open(context.OutputFolder);
        model.Config.TieWordEmbeddings.Should().BeTrue();
        model.Config.RopeScaling.Should().Be(MetaLayout.Llama3RopeScaling(expectedFactor));
        model.Tensors.Find(LlamaTensorNames.LmHead).Should().BeNull();

        var back = StageContexts.In(_folder, "back");
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = context.OutputFolder, OutputType = ModelFormat.Pth, NumShards = 2 }, back);
        using MetaModel original = MetaModel.Open(input), again = MetaModel.Open(back.OutputFolder);
        again.Sha256(again.Find(LlamaTensorNames.LmHead)!).Should().Be(original.Sha256(original.Find(LlamaTensorNames.EmbedTokens)!));
        again.Parameters.Should().BeEquivalentTo(new { UseScaledRope = true, RopeScalingFactor = expectedFactor, VocabSize = 300 });
    }

    [Fact]
    public async Task ExecuteAsync_NothingButZeros_KeepsTheOutputLayer()
    {
        var config = OriginalCheckpoint.Config(heads: 4, keyHeads: 4, headDim: 4, DType.Float16, vocabulary: 300);
        var input = _folder.CreateFolder("zeros");
        using (var writer = new MetaModelWriter(input, config, [.. LlamaTensorNames.Describe(config)], shardCount: 2, isSparse: true))
        {
            foreach (var tensor in writer.Tensors) writer.Write(tensor.Name, 0, new byte[tensor.ByteLength]);
            writer.Complete();
        }

        File.WriteAllText(Path.Combine(input, "params.json"), MetaLayout.ParametersOf(config).ToJson());
        var context = StageContexts.In(_folder);
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = input }, context);

        using var model = HuggingFaceModel.Open(context.OutputFolder);
        model.Config.TieWordEmbeddings.Should().BeFalse();
        model.Tensors.ReadBytes(model.Tensors.Find(LlamaTensorNames.LmHead)!).Should().OnlyContain(b => b == 0);
    }

    [Fact]
    public void Plan_OriginalCheckpoint_TellsSizeAndVersionAndWritesNothing()
    {
        var config = OriginalCheckpoint.Config(heads: 4, keyHeads: 4, headDim: 4, DType.Float16, vocabulary: 300);
        var input = _folder.CreateFolder("plan");
        OriginalCheckpoint.Write(input, config, shards: 2);

        var plan = new CheckpointConverter().Plan(new ConvertRequest { InputDir = input });

        plan.OutputBytes.Should().Be(LlamaTensorNames.Describe(config).Sum(t => t.ByteLength));
        string.Join('\n', plan.Steps).Should().Contain("LLaMA 1, 2 shards").And.Contain("no tokenizer.model");
        Directory.GetFileSystemEntries(input).Should().HaveCount(3);
    }

    [Fact]
    public async Task ExecuteAsync_OutputLayerAlmostTheEmbedding_IsKept()
    {
        var config = OriginalCheckpoint.Config(heads: 4, keyHeads: 2, headDim: 4, DType.BFloat16, vocabulary: 300);
        var input = _folder.CreateFolder("untied");
        OriginalCheckpoint.Write(input, config with { TieWordEmbeddings = true }, shards: 1, without: LlamaTensorNames.LmHead);
        var shard = Path.Combine(input, "consolidated.00.pth");
        byte[] head;
        using (var source = TensorSource.Open(shard))
        {
            head = source.ReadBytes(source.Find(MetaTensorNames.Output)!);
        }

        // The last bit of the last element; the output layer is the last tensor of the file.
        var bytes = await File.ReadAllBytesAsync(shard);
        var at = bytes.AsSpan().LastIndexOf(head) + head.Length - 2;
        bytes[at] ^= 1;
        await File.WriteAllBytesAsync(shard, bytes);

        var context = StageContexts.In(_folder);
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = input }, context);

        using var model = HuggingFaceModel.Open(context.OutputFolder);
        model.Config.TieWordEmbeddings.Should().BeFalse();
        model.Tensors.Find(LlamaTensorNames.LmHead).Should().NotBeNull();
    }

    private string Checkpoint(int keyHeads, int vocabulary, string more)
    {
        var config = OriginalCheckpoint.Config(heads: 4, keyHeads, headDim: 2, DType.Float16, vocabulary);
        var folder = _folder.CreateFolder("input");
        OriginalCheckpoint.Write(folder, config, shards: 1);
        var parameters = Path.Combine(folder, "params.json");
        File.WriteAllText(parameters, File.ReadAllText(parameters)[..^1] + more + "}");
        return folder;
    }
}
