using Alpaca.Abstractions;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class PluginUnloadTests
{
    /// <summary>It exports and runs a model.</summary>
    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Int4)] // whose products ONNX Runtime calls back for
    public async Task Plugin_UsedInACollectibleContext_Unloads(Precision precision)
    {
        using var folder = new TemporaryFolder();
        await PluginCopy.ShouldUnloadAfterAsync<InferenceOnnxPlugin>(
            async provider =>
            {
                var fixture = LlamaFixture.Load("plain");
                var stage = StageContexts.In(folder);
                var export = provider.GetServices<StageDescriptor>().Single(s => s.Name == "export");
                await export.ExecuteAsync(provider, new ExportRequest { Model = fixture.Folder, Precision = precision }, stage);

                var backend = provider.GetRequiredService<IInferenceBackend>();
                backend.Name.Should().Be("Onnx");
                using var generator = await backend.LoadAsync(stage.OutputFolder, new InferenceOptions());
                await foreach (var token in generator.GenerateAsync(fixture.Prompt, new GenerationOptions { Temperature = 0, MaxNewTokens = 2 })) token.Id.Should().BeInRange(0, 159);
            },
            brings: "Microsoft.ML.OnnxRuntime");
    }
}
