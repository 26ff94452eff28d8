using Alpaca.Abstractions;
using Alpaca.Inference.Torch;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Evaluation.Tests;

public sealed class PluginUnloadTests
{
    /// <summary>It evaluates a model, with another one and trial answers by another plugin's backend.</summary>
    [Fact]
    public async Task Plugin_UsedInACollectibleContext_Unloads()
    {
        using var folder = new TemporaryFolder();
        await PluginCopy.ShouldUnloadAfterAsync<EvaluationPlugin>(
            async provider =>
            {
                var stage = new StageContext
                {
                    OutputFolder = folder.CreateFolder("out"),
                    ResumeFolder = folder.CreateFolder("resume"),
                    Progress = NullProgress.Instance,
                    Logger = NullLogger.Instance,
                    Backends = new Dictionary<string, IInferenceBackend> { ["Torch"] = new TorchBackend() },
                };
                var request = new EvaluateRequest
                {
                    Model = TinyGqa.Folder,
                    Champion = TinyModel.CopyTo(folder.CreateFolder("champion")),
                    ValidationFile = Path.Combine(TinyGqa.Folder, "instructions.json"),
                    SmokeCount = 2,
                    SmokeMaxNewTokens = 4,
                };
                var artifact = (Artifact)await provider.GetServices<StageDescriptor>().Single().ExecuteAsync(provider, request, stage);
                artifact.Metrics.Should().ContainKeys("championEvalLoss", "smokePassed");
                File.Exists(folder.Combine("out", "report.json")).Should().BeTrue();
            },
            brings: "Alpaca.Llama");
    }
}
