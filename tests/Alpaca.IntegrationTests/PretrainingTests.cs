using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>The original's two steps in one pipeline: pre-train on plain text, merge, fine-tune what that gave.</summary>
[Trait("Category", "Slow")]
public sealed class PretrainingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_PretrainMergeTrainMerge_BothLearnAndEachAdapterIsMergedOnce()
    {
        var config = WriteConfiguration();

        (await AlpacaProcess.RunAsync("run", "--config", config)).ShouldSucceed();

        var manifests = Directory.GetFiles(_folder.Combine("workspace", "artifacts"), "manifest.json", SearchOption.AllDirectories)
            .ToDictionary(file => JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("stage").GetString()!, file => file);
        manifests.Keys.Should().BeEquivalentTo("download", "convert", "merge-tokenizers", "pretrain", "merge-text", "train", "merge-answers");
        Sources("merge-text", "LoraModel").Should().Equal("pretrain");
        Sources("train", "ModelNameOrPath").Should().Equal("merge-text");
        Sources("merge-answers", "BaseModel").Should().Equal("merge-text");
        Sources("merge-answers", "LoraModel").Should().Equal("train");
        ShouldFall(ValidationLosses("pretrain"));
        ShouldFall(ValidationLosses("train"));

        (await AlpacaProcess.RunAsync("plan", "--config", config, "--json")).ShouldSucceed().Json.EnumerateArray().Should().OnlyContain(s => s.GetProperty("upToDate").GetBoolean());
        var tokenised = Sample.Snapshot(_folder.Combine("workspace", "cache", "data"));
        tokenised.Should().HaveCount(3, "text, instructions and validation data were kept");
        (await AlpacaProcess.RunAsync("run", "--config", config, "--force", "pretrain", "--until", "pretrain")).ShouldSucceed();
        Sample.Snapshot(_folder.Combine("workspace", "cache", "data")).Should().Equal(tokenised, "the same text has the same key in another process");

        IEnumerable<string?> Sources(string stage, string option) => JsonDocument.Parse(File.ReadAllText(manifests[stage])).RootElement.GetProperty("inputs").EnumerateArray()
            .Where(input => input.GetProperty("option").GetString() == option).Select(input => input.GetProperty("stage").GetString());

        double[] ValidationLosses(string stage) => [.. File.ReadLines(Path.Combine(Path.GetDirectoryName(manifests[stage])!, "train_log.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement).Where(line => line.TryGetProperty("evalLoss", out _)).Select(line => line.GetProperty("evalLoss").GetDouble())];
    }

    private static void ShouldFall(double[] losses) => losses[^1].Should().BeLessThan(0.9 * losses[0]);

    private string WriteConfiguration()
    {
        string[] all = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
        var samples = Path.Combine(Golden.RepositoryRoot, "samples");
        return _folder.Write("appsettings.json", JsonSerializer.Serialize(new
        {
            DefaultPipeline = "two-steps",
            Pipelines = new Dictionary<string, object>
            {
                ["two-steps"] = new
                {
                    Stages = new Dictionary<string, object>
                    {
                        ["download"] = new { Source = Sample.Weights, ModelSize = "tiny" },
                        ["convert"] = new { },
                        ["merge-tokenizers"] = new { ChineseSpModelFile = Sample.ChineseModel },
                        ["pretrain"] = new
                        {
                            DatasetDir = Path.Combine(samples, "corpus"), ValidationSplit = 0.1, BlockSize = 64, LoraRank = 16, LoraTrainable = all, LoraDropout = 0,
                            ModulesToSave = new[] { "embed_tokens", "lm_head" }, LearningRate = 3e-3, BatchSize = 8, TrainingSteps = 60, WarmupSteps = 5,
                        },
                        ["merge-text"] = new { Uses = "merge" },
                        ["train"] = new
                        {
                            DatasetDir = Path.Combine(samples, "instructions", "train"), ValidationFile = Sample.Validation, LoraRank = 16, LoraTrainable = all, LoraDropout = 0,
                            LearningRate = 3e-3, BatchSize = 8, TrainingSteps = 60, WarmupSteps = 5, MaxSeqLength = 128,
                        },
                        ["merge-answers"] = new { Uses = "merge" },
                    },
                },
            },
        }));
    }
}
