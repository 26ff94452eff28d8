using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Convert.Tests;

public sealed class CheckpointConverterTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Convert.Tests", "Fixtures");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("shards1")]
    [InlineData("shards2")]
    [InlineData("shards4")]
    [InlineData("bf16")]
    [InlineData("fp32")]
    [InlineData("gqa")]
    public async Task ExecuteAsync_EveryKindOfCheckpoint_HasTheDigestsOfPyTorch(string variant)
    {
        using var expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Fixtures, "digests.json")));

        var (artifact, output) = await Convert(Path.Combine(Fixtures, variant));

        using var model = HuggingFaceModel.Open(output);
        model.Tensors.Tensors.ToDictionary(t => t.Name, model.Tensors.Sha256)
            .Should().Equal(expected.RootElement.GetProperty(variant).EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!));
        model.Tensors.Tensors.Select(t => t.Name).Should().Equal(LlamaTensorNames.Describe(model.Config).Select(t => t.Name), "the order is transformers' own");
        artifact.VocabularySize.Should().Be(96);
        artifact.Parameters.Should().Be(model.Parameters);
        artifact.Metrics["tensors"].Should().Be(12);
    }

    [Fact]
    public async Task ExecuteAsync_TwoOrFourShards_GiveTheFileOfOne()
    {
        var (_, one) = await Convert(Path.Combine(Fixtures, "shards1"), "one");
        foreach (var variant in (string[])["shards2", "shards4"])
        {
            var (_, several) = await Convert(Path.Combine(Fixtures, variant), variant);
            File.ReadAllBytes(Path.Combine(several, "model.safetensors")).Should().Equal(File.ReadAllBytes(Path.Combine(one, "model.safetensors")));
        }
    }

    [Fact]
    public async Task ExecuteAsync_EmbeddingSplitByRows_GivesTheFileOfOne()
    {
        var input = CopyCheckpoint("shards2", "tiny");
        SplitEmbeddingByRows(input);
        var (_, byRows) = await Convert(input, "rows");
        var (_, one) = await Convert(Path.Combine(Fixtures, "shards1"), "one");

        File.ReadAllBytes(Path.Combine(byRows, "model.safetensors")).Should().Equal(File.ReadAllBytes(Path.Combine(one, "model.safetensors")));
    }

    [Fact]
    public async Task ExecuteAsync_PlainModel_WritesTheConfigurationOfTransformers()
    {
        var (_, output) = await Convert(Path.Combine(Fixtures, "shards2"));

        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "config.json")))!;
        JsonNode.DeepEquals(config, JsonNode.Parse("""
            {"architectures":["LlamaForCausalLM"],"bos_token_id":1,"eos_token_id":2,"pad_token_id":0,"hidden_act":"silu","hidden_size":32,"initializer_range":0.02,"intermediate_size":96,
             "max_position_embeddings":2048,"model_type":"llama","num_attention_heads":4,"num_hidden_layers":1,"rms_norm_eps":1e-06,"tie_word_embeddings":false,"torch_dtype":"float16",
             "transformers_version":"4.28.0.dev0","use_cache":true,"vocab_size":96}
            """)).Should().BeTrue(config.ToJsonString());
    }

    [Fact]
    public async Task ExecuteAsync_GroupedQueriesAndOtherBase_AreInTheConfiguration()
    {
        var (_, output) = await Convert(Path.Combine(Fixtures, "gqa"));

        var config = LlamaConfig.Load(output);
        config.NumKeyValueHeads.Should().Be(2);
        config.RopeTheta.Should().Be(500000);
        config.MaxPositionEmbeddings.Should().Be(16384);
    }

    [Theory]
    [InlineData("generation_config.json", "fd7ff399e5568cc21a0a8414f43df88ef7c424995b9b97a90563165d2cf79efd")]
    [InlineData("special_tokens_map.json", "ff3b4a612c4e447acb02d40071bddd989fe0da87eb5b7fe0dbadfc4f74de7531")]
    [InlineData("tokenizer_config.json", "380608719f3af6ef2b343e2ed53bf55556678609337e88a14f58cc49177b9e18")]
    public async Task ExecuteAsync_WithTokenizer_WritesTheFilesOfTransformersByteForByte(string name, string sha256)
    {
        var input = CopyCheckpoint("shards2", "weights", "tiny");
        File.Copy(Path.Combine(Fixtures, "tokenizer.model"), _folder.Combine("weights", "tokenizer.model"));

        var (_, output) = await Convert(_folder.Combine("weights"));

        System.Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(output, name)))).Should().Be(sha256);
        File.ReadAllBytes(Path.Combine(output, "tokenizer.model")).Should().Equal(File.ReadAllBytes(Path.Combine(Fixtures, "tokenizer.model")));
        input.Should().EndWith("tiny");
    }

    [Fact]
    public async Task ExecuteAsync_WithTokenizer_WritesTheFastFormToo()
    {
        var input = CopyCheckpoint("shards1", "tiny");
        File.Copy(Path.Combine(Fixtures, "tokenizer.model"), Path.Combine(input, "tokenizer.model"));

        var (_, output) = await Convert(input);

        var model = SentencePieceModel.Load(Path.Combine(output, "tokenizer.model"));
        FastTokenizer.WhyNot(model).Should().BeNull();
        TokenizerJson.ReadVocabularySize(Path.Combine(output, TokenizerJson.FileName)).Should().Be(model.Pieces.Count);
        var vocabulary = JsonNode.Parse(File.ReadAllBytes(Path.Combine(output, TokenizerJson.FileName)))!["model"]!["vocab"]!.AsObject();
        vocabulary.Select(entry => (entry.Key, entry.Value!.GetValue<int>())).Should().Equal(model.Pieces.Select((piece, id) => (piece.Text, id)));
    }

    [Fact]
    public async Task ExecuteAsync_TokenizerAboveTheSizeFolder_IsFound()
    {
        var input = CopyCheckpoint("shards1", "weights", "tiny");
        File.Copy(Path.Combine(Fixtures, "tokenizer.model"), _folder.Combine("weights", "tokenizer.model"));

        var (_, output) = await Convert(input);

        File.Exists(Path.Combine(output, "tokenizer.model")).Should().BeTrue();
    }

    [Fact]
    public async Task ExecuteAsync_NoTokenizer_WritesNoTokenizerFiles()
    {
        var (_, output) = await Convert(CopyCheckpoint("shards1", "alone", "tiny"));

        Directory.GetFiles(output).Select(Path.GetFileName).Should().BeEquivalentTo("config.json", "generation_config.json", "model.safetensors");
    }

    [Fact]
    public async Task ExecuteAsync_TokenizerOfAnotherModel_NamesBoth()
    {
        var input = CopyCheckpoint("shards1", "weights");
        File.Copy(Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Merging.Tests", "Fixtures", "adapter-sft", "tokenizer.model"), Path.Combine(input, "tokenizer.model"));

        await Refused(input, "*tokenizer.model has 113 pieces*96 rows*");
    }

    [Fact]
    public async Task ExecuteAsync_LastShardMissing_IsSeenFromTheShapes()
    {
        var input = CopyCheckpoint("shards4", "tiny");
        File.Delete(Path.Combine(input, "consolidated.03.pth"));

        await Refused(input, "consolidated.03.pth is missing in *tiny, the checkpoint has 4 shards; download it again*");
    }

    [Fact]
    public async Task ExecuteAsync_MiddleShardsMissing_NamesThemAll()
    {
        var input = CopyCheckpoint("shards4", "tiny");
        File.Delete(Path.Combine(input, "consolidated.01.pth"));
        File.Delete(Path.Combine(input, "consolidated.02.pth"));

        await Refused(input, "consolidated.01.pth, consolidated.02.pth are missing in *download them again*");
    }

    [Theory]
    [InlineData("shards1", "consolidated.01.pth", "*holds 2 shards, but its tensors are split over 1; remove*consolidated.01.pth*")]
    [InlineData("shards2", "consolidated.02.pth", "*holds 3 shards, but its tensors are split over 2; remove*consolidated.02.pth*")]
    public async Task ExecuteAsync_ShardsThatDoNotBelong_AreNamed(string variant, string superfluous, string message)
    {
        var input = CopyCheckpoint(variant, "tiny");
        File.Copy(Path.Combine(input, "consolidated.00.pth"), Path.Combine(input, superfluous));

        await Refused(input, message);
    }

    [Fact]
    public async Task ExecuteAsync_FolderNamedAfterAnotherSize_IsDecidedByTheTensors()
    {
        CopyCheckpoint("shards2", "weights", "30B");

        (await Convert(_folder.Combine("weights"))).Artifact.Metrics["shards"].Should().Be(2);
    }

    [Fact]
    public async Task ExecuteAsync_SeveralSizes_AsksForOne()
    {
        CopyCheckpoint("shards1", "weights", "small");
        CopyCheckpoint("shards2", "weights", "large");

        await Refused(_folder.Combine("weights"), "*several sizes (large, small)*--model-size*");
        (await Convert(_folder.Combine("weights"), "out", "large")).Artifact.Metrics["shards"].Should().Be(2);
    }

    [Fact]
    public async Task ExecuteAsync_SizeThatIsNotThere_ListsThoseThatAre()
    {
        CopyCheckpoint("shards1", "weights", "7B");

        await Refused(_folder.Combine("weights"), "*has no folder 13B; it has 7B*", "13B");
        await Refused(_folder.Combine("weights"), "*not the name of a folder*", "../weights/7B");
    }

    [Theory]
    [InlineData("weights")]
    [InlineData("weights/7B")]
    public async Task ExecuteAsync_SizeThatIsAnotherModels_NamesBothShapes(string inputDir)
    {
        CopyCheckpoint("shards1", "weights", "7B");

        await Refused(_folder.Combine(inputDir), "The model in *7B is 32 wide with 1 layers, 7B is 4096 wide with 32; name the size that it is*", "7B");
    }

    [Fact]
    public async Task ExecuteAsync_ParametersThatDoNotFit_ListsTheMismatches()
    {
        var input = CopyCheckpoint("shards1", "tiny");
        File.WriteAllText(Path.Combine(input, "params.json"), """{"dim": 32, "multiple_of": 256, "n_heads": 4, "n_kv_heads": 2, "n_layers": 1, "norm_eps": 1e-06, "vocab_size": 100}""");

        await Refused(input, "*do not fit its params.json: the feed-forward layers are 96 wide*gives 256*96 rows, vocab_size is 100*k_proj.weight would be [32, 32], expected [16, 32]*");
    }

    [Theory]
    [InlineData(2, "*layers.1.attention.wq.weight is missing in consolidated.00.pth*")]
    [InlineData(1_000_000_000, "*layers.1.attention.wq.weight is missing in consolidated.00.pth*")]
    public async Task ExecuteAsync_MoreLayersThanWeights_EndsQuickly(int layers, string message)
    {
        var input = CopyCheckpoint("shards1", "tiny");
        File.WriteAllText(Path.Combine(input, "params.json"), $$"""{"dim": 32, "multiple_of": 32, "n_heads": 4, "n_layers": {{layers}}, "norm_eps": 1e-06, "vocab_size": -1}""");

        await Refused(input, message);
    }

    [Fact]
    public async Task ExecuteAsync_DamagedShards_NamesEachOfThem()
    {
        var input = CopyCheckpoint("shards2", "tiny");
        foreach (var shard in Directory.GetFiles(input, "*.pth"))
        {
            File.WriteAllBytes(shard, File.ReadAllBytes(shard)[..5000]);
        }

        await Refused(input, "*consolidated.00.pth is cut short*consolidated.01.pth is cut short*");
    }

    [Fact]
    public async Task ExecuteAsync_NotAFolderOfWeights_SaysSo()
    {
        await Refused(_folder.CreateFolder("empty"), "*no params.json*not a folder of original LLaMA weights*");
        await Refused(_folder.Combine("absent"), "*absent does not exist*");
    }

    private string CopyCheckpoint(string variant, params string[] to)
    {
        var target = _folder.CreateFolder(to);
        foreach (var file in Directory.GetFiles(Path.Combine(Fixtures, variant)))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        return target;
    }

    // Rewrites a checkpoint of two shards with the embedding as LLaMA 3 has it.
    private static void SplitEmbeddingByRows(string folder)
    {
        using var whole = TensorSource.Open(Path.Combine(Fixtures, "shards1", "consolidated.00.pth"));
        var embedding = whole.Find(MetaTensorNames.TokEmbeddings)!;
        var values = whole.ReadBytes(embedding);
        for (var shard = 0; shard < 2; shard++)
        {
            var path = Path.Combine(folder, MetaTensorNames.ShardFile(shard));
            List<(TensorInfo Info, byte[] Data)> tensors;
            using (var source = TensorSource.Open(path))
            {
                tensors = [.. source.Tensors.Select(t => t.Name == MetaTensorNames.TokEmbeddings
                    ? (t with { Shape = [embedding.Shape[0] / 2, embedding.Shape[1]] }, values.AsSpan(shard * values.Length / 2, values.Length / 2).ToArray())
                    : (t, source.ReadBytes(t)))];
            }

            using var writer = new PthWriter(path, [.. tensors.Select(t => t.Info)]);
            foreach (var (info, data) in tensors)
            {
                writer.Write(info.Name, 0, data);
            }

            writer.Complete();
        }
    }

    private async Task Refused(string input, string message, string? size = null)
    {
        var context = StageContexts.In(_folder, "refused");

        var act = () => new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = input, ModelSize = size }, context);

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
        Directory.GetFileSystemEntries(context.OutputFolder).Should().BeEmpty("nothing is written before everything is checked");
    }

    private async Task<(ModelArtifact Artifact, string Output)> Convert(string input, string output = "out", string? size = null)
    {
        var context = StageContexts.In(_folder, output);
        return (await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = input, ModelSize = size }, context), context.OutputFolder);
    }
}
