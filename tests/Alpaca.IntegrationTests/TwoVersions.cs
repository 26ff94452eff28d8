using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>A workspace in which a pipeline has run twice, with two versions that answer differently: the second is the champion.</summary>
public sealed class TwoVersions : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TwoVersions() => Configuration = _folder.Write("appsettings.json", $$"""
        {
          "Workspace": "workspace",
          "Inference": { "Threads": 1 },
          "Serving": { "QueueLimit": 10000 },
          "DefaultPipeline": "tiny",
          "Pipelines": {
            "tiny": {
              "Stages": {
                "download": { "Source": "{{Sample.Weights}}", "ModelSize": "tiny" },
                "convert": {},
                "merge-tokenizers": { "ChineseSpModelFile": "{{Sample.ChineseModel}}" },
                "train": {
                  "DatasetDir": "{{Sample.Validation}}", "LoraRank": 4, "ModulesToSave": "embed_tokens,lm_head", "LearningRate": 0.01, "TrainingSteps": 6, "MaxSeqLength": 64, "BatchSize": 4, "Seed": 1
                },
                "merge": {}
              },
              "Ask": { "Prompt": "你好", "MaxNewTokens": 4 },
              "Promotion": { "Rules": [ "trainLoss < 1000" ] }
            }
          }
        }
        """);

    public string Configuration { get; }

    /// <summary>Makes the two versions where that is not done yet.</summary>
    public async Task MakeAsync()
    {
        if ((await ModelsAsync()).GetArrayLength() > 0) return;
        foreach (var seed in (string[])["1", "2"])
            (await AlpacaProcess.RunAsync("run", "--config", Configuration, "--set", $"Stages:train:Seed={seed}")).ShouldSucceed();
    }

    /// <summary>What <c>alpaca models --json</c> says, the newest version first.</summary>
    public async Task<JsonElement> ModelsAsync() => (await AlpacaProcess.RunAsync("models", "--config", Configuration, "--json")).ShouldSucceed().Json;

    /// <summary>Runs <c>alpaca models</c> with these arguments.</summary>
    public async Task ModelsAsync(params string[] arguments) => (await AlpacaProcess.RunAsync(["models", .. arguments, "--config", Configuration])).ShouldSucceed();

    public void Dispose() => _folder.Dispose();
}
