using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert.Tests;

/// <summary>Original weights to a Hugging Face folder and back.</summary>
public sealed class RoundTripTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 16, DType.Float16)]
    [InlineData(2, 16, DType.BFloat16)]
    [InlineData(4, 16, DType.Float32)]
    [InlineData(8, 16, DType.Float16)]
    [InlineData(1, 2, DType.Float32)]
    [InlineData(2, 2, DType.Float16)]
    [InlineData(4, 4, DType.BFloat16)]
    [InlineData(8, 8, DType.BFloat16)]
    public async Task ExecuteAsync_ThereAndBack_GivesTheSameShards(int shards, int keyHeads, DType dtype)
    {
        var original = _folder.CreateFolder("original");
        OriginalCheckpoint.Write(original, OriginalCheckpoint.Config(heads: 16, keyHeads, headDim: 4, dtype, vocabulary: 37), shards);

        var there = await Convert(new ConvertRequest { InputDir = original }, "there");
        var back = await Convert(new ConvertRequest { InputDir = there, OutputType = ModelFormat.Pth, NumShards = shards }, "back");

        Shards(back).Should().Equal(Shards(original));
        File.ReadAllText(Path.Combine(back, "params.json")).Should().Be(File.ReadAllText(Path.Combine(original, "params.json")));
    }

    [Theory]
    [InlineData("shards1")]
    [InlineData("shards2")]
    [InlineData("shards4")]
    [InlineData("bf16")]
    [InlineData("fp32")]
    [InlineData("gqa")]
    public async Task ExecuteAsync_CheckpointOfPyTorchThereAndBack_GivesTheSameShards(string variant)
    {
        var original = Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Convert.Tests", "Fixtures", variant);
        var expected = Shards(original, except: MetaTensorNames.RopeFrequencies);

        var there = await Convert(new ConvertRequest { InputDir = original }, "there");
        var back = await Convert(
            new ConvertRequest { InputDir = there, OutputType = ModelFormat.Pth, NumShards = Directory.GetFiles(original, "*.pth").Length }, "back");

        Shards(back).Should().Equal(expected);
        MetaParameters.Load(Path.Combine(back, "params.json")).FeedForwardDim.Should().Be(96);
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(4, 1)]
    [InlineData(2, 4)]
    public async Task ExecuteAsync_OriginalToOriginal_SplitsAnew(int from, int to)
    {
        string original = _folder.CreateFolder("original"), expected = _folder.CreateFolder("expected");
        var config = OriginalCheckpoint.Config(heads: 8, keyHeads: 4, headDim: 4, DType.Float16, vocabulary: 37);
        OriginalCheckpoint.Write(original, config, from);
        OriginalCheckpoint.Write(expected, config, to);

        var split = await Convert(new ConvertRequest { InputDir = original, OutputType = ModelFormat.Pth, NumShards = to }, "split");

        Shards(split).Should().Equal(Shards(expected));
        File.ReadAllText(Path.Combine(split, "params.json")).Should().Be(File.ReadAllText(Path.Combine(original, "params.json")));
    }

    [Fact]
    public async Task ExecuteAsync_VocabularyParallelShards_StayVocabularyParallel()
    {
        string original = _folder.CreateFolder("original"), expected = _folder.CreateFolder("expected");
        var config = OriginalCheckpoint.Config(heads: 8, keyHeads: 4, headDim: 4, DType.BFloat16, vocabulary: 300);
        OriginalCheckpoint.Write(original, config, shards: 2, MetaSplit.Rows);
        OriginalCheckpoint.Write(expected, config, shards: 4, MetaSplit.Rows);

        var split = await Convert(new ConvertRequest { InputDir = original, OutputType = ModelFormat.Pth, NumShards = 4 }, "split");
        var there = await Convert(new ConvertRequest { InputDir = original, LlamaVersion = "3" }, "there");
        var back = await Convert(new ConvertRequest { InputDir = there, OutputType = ModelFormat.Pth, NumShards = 4, LlamaVersion = "3" }, "back");

        Shards(split).Should().Equal(Shards(expected));
        Shards(back).Should().Equal(Shards(expected));
        MetaParameters.Load(Path.Combine(back, "params.json")).VocabSize.Should().Be(300);
    }

    /// <summary>semantics of merge_llama_with_chinese_lora.py: the last shard takes the remainder of the output layer.</summary>
    [Theory]
    [InlineData(49953, 2, "24976,24977")]
    [InlineData(49953, 4, "12488,12488,12488,12489")]
    [InlineData(49954, 4, "12488,12488,12488,12490")]
    public async Task ExecuteAsync_VocabularyThatDoesNotDivide_GivesTheLastShardTheRemainder(int vocabulary, int shards, string rows)
    {
        var original = _folder.CreateFolder("original");
        OriginalCheckpoint.Write(original, OriginalCheckpoint.Config(heads: 4, keyHeads: 4, headDim: 2, DType.Float16, vocabulary), shards: 1);
        var there = await Convert(new ConvertRequest { InputDir = original }, "there");

        var back = await Convert(new ConvertRequest { InputDir = there, OutputType = ModelFormat.Pth, NumShards = shards }, "back");

        string.Join(",", Directory.GetFiles(back, "*.pth").Order(StringComparer.Ordinal).Select(file =>
        {
            using var shard = TensorSource.Open(file);
            return shard.Find(MetaTensorNames.Output)!.Shape[0];
        })).Should().Be(rows);
        using var again = MetaModel.Open(back);
        using var first = MetaModel.Open(original);
        again.Sha256(again.Find(LlamaTensorNames.LmHead)!).Should().Be(first.Sha256(first.Find(LlamaTensorNames.LmHead)!));
    }

    [Fact]
    [SuppressMessage("Security", "CA5351", Justification = "The format is defined by MD5.")]
    public async Task ExecuteAsync_Pth_WritesTheChecklistAndTheTokenizer()
    {
        var fixtures = Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Convert.Tests", "Fixtures");
        var original = _folder.CreateFolder("original");
        foreach (var file in Directory.GetFiles(Path.Combine(fixtures, "shards2")).Append(Path.Combine(fixtures, "tokenizer.model")))
        {
            File.Copy(file, Path.Combine(original, Path.GetFileName(file)));
        }

        var there = await Convert(new ConvertRequest { InputDir = original }, "there");
        var back = await Convert(new ConvertRequest { InputDir = there, OutputType = ModelFormat.Pth, NumShards = 2 }, "back");

        string[] files = ["consolidated.00.pth", "consolidated.01.pth", "params.json"];
        File.ReadAllText(Path.Combine(back, "checklist.chk")).Should().Be(
            string.Concat(files.Select(name => $"{System.Convert.ToHexStringLower(MD5.HashData(File.ReadAllBytes(Path.Combine(back, name))))}  {name}\n")));
        File.ReadAllBytes(Path.Combine(back, "tokenizer.model")).Should().Equal(File.ReadAllBytes(Path.Combine(fixtures, "tokenizer.model")));
        Directory.GetFiles(back).Should().HaveCount(5);
    }

    [Fact]
    public async Task ExecuteAsync_ShardsOfMetas_AreTheDefault()
    {
        var original = _folder.CreateFolder("original");
        OriginalCheckpoint.Write(original, OriginalCheckpoint.Config(heads: 8, keyHeads: 4, headDim: 4, DType.Float16, vocabulary: 37), shards: 2);
        var there = await Convert(new ConvertRequest { InputDir = original }, "there");

        var back = await Convert(new ConvertRequest { InputDir = there, OutputType = ModelFormat.Pth }, "back");

        Directory.GetFiles(back, "*.pth").Should().ContainSingle("Meta has no model of that width");
    }

    [Fact]
    public async Task ExecuteAsync_ShardsThatDoNotDivide_NamesThoseThatDo()
    {
        var original = _folder.CreateFolder("original");
        OriginalCheckpoint.Write(original, OriginalCheckpoint.Config(heads: 8, keyHeads: 4, headDim: 4, DType.Float16, vocabulary: 37), shards: 2);

        var act = () => Convert(new ConvertRequest { InputDir = original, OutputType = ModelFormat.Pth, NumShards = 8 }, "back");

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("*8 shards, of which num_key_value_heads 4 is no multiple; convert it into 1, 2, 4 (--num-shards)*");
    }

    private static Dictionary<string, string> Shards(string folder, string? except = null)
    {
        var digests = new Dictionary<string, string>();
        foreach (var file in Directory.GetFiles(folder, "*.pth"))
        {
            using var shard = TensorSource.Open(file);
            foreach (var tensor in shard.Tensors.Where(t => t.Name != except))
            {
                digests.Add($"{Path.GetFileName(file)} {tensor.Name}", $"{tensor.DType} [{string.Join(", ", tensor.Shape)}] {shard.Sha256(tensor)}");
            }
        }

        return digests.OrderBy(d => d.Key, StringComparer.Ordinal).ToDictionary();
    }

    private async Task<string> Convert(ConvertRequest request, string output)
    {
        var context = StageContexts.In(_folder, output);
        await new CheckpointConverter().ExecuteAsync(request, context);
        return context.OutputFolder;
    }
}
