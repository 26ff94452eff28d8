using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Convert;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>The reference checkpoint: original weights, converted, exported, run.</summary>
public sealed class GoldenTests
{
    [GoldenFact]
    public async Task Generate_ConvertedReferenceCheckpoint_EqualsPyTorch()
    {
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("tiny", "expected.json")));
        T[] Read<T>(string key) => expected.RootElement.GetProperty(key).Deserialize<T[]>()!;
        using var folder = new TemporaryFolder();
        var (model, onnx) = (StageContexts.In(folder, "model"), StageContexts.In(folder, "onnx"));
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = Golden.Path("tiny", "meta") }, model);
        await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = model.OutputFolder }, onnx);
        using var generator = await new OnnxBackend().LoadAsync(onnx.OutputFolder, new InferenceOptions());

        var tokens = new List<GeneratedToken>();
        var options = new GenerationOptions { Temperature = 0, RepetitionPenalty = 1, MaxNewTokens = 16, ReturnLogits = true };
        await foreach (var token in generator.GenerateAsync(Read<int>("prompt_ids"), options)) tokens.Add(token);

        tokens.Select(t => t.Id).Should().Equal(Read<int>("greedy_16"));
        var logits = Read<float>("last_logits_first_64");
        tokens[0].Logits.ToArray()[..64].Zip(logits, (actual, reference) => Math.Abs(actual - reference)).Max().Should().BeLessThan(1e-4f);
    }
}
