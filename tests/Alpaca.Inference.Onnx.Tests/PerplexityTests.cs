using System.Numerics.Tensors;
using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Convert;
using Alpaca.Text;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>What quantising costs the shipped model, run as the backend runs it: perplexity on Chinese answers.</summary>
public sealed class PerplexityTests : IDisposable
{
    private const int MostIds = 512;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [GoldenFact]
    public Task Export_Quantized_KeepsThePerplexityOfSomeAnswers() => MeasureAsync(every: 10);

    [GoldenFact]
    [Trait("Category", "Slow")]
    public Task Export_Quantized_KeepsThePerplexityOfAllAnswers() => MeasureAsync(every: 1);

    private async Task MeasureAsync(int every)
    {
        // The model that ALPACA_SAMPLE_MODEL names, for example one that the sample pipeline has trained, or else the one it begins with.
        if (Environment.GetEnvironmentVariable("ALPACA_SAMPLE_MODEL") is not { Length: > 0 } model)
        {
            var converted = StageContexts.In(_folder, "model");
            await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = Path.Combine(Golden.RepositoryRoot, "samples", "llama-tiny"), ModelSize = "tiny" }, converted);
            model = converted.OutputFolder;
        }

        var tokenizer = ModelTokenizer.Load(model);
        using var samples = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("datasets", "alpaca_zh_500.json")));
        var answers = samples.RootElement.EnumerateArray().Where((_, i) => i % every == 0)
            .Select(sample => tokenizer.Encode(sample.GetProperty("output").GetString()!, addBos: true).Take(MostIds).ToArray()).Where(ids => ids.Length > 1).ToList();

        var exact = await PerplexityAsync(new ExportRequest { Model = model }, answers);

        (await PerplexityAsync(new ExportRequest { Model = model, Precision = Precision.Fp16 }, answers)).Should().BeLessThan(1.001 * exact);
        (await PerplexityAsync(new ExportRequest { Model = model, Precision = Precision.Int8 }, answers)).Should().BeLessThan(1.01 * exact);
        (await PerplexityAsync(new ExportRequest { Model = model, Precision = Precision.Int4 }, answers)).Should().BeLessThan(1.08 * exact);
        (await PerplexityAsync(new ExportRequest { Model = model, Precision = Precision.Int4, BlockSize = 128 }, answers)).Should().BeLessThan(1.08 * exact);
    }

    private static async Task<double> PerplexityAsync(ExportRequest request, List<int[]> texts)
    {
        using var graph = await ExportedGraph.OfAsync(request);
        using var session = OnnxSession.Open(Path.Combine(graph.Folder, OnnxFiles.Model), default, 0, default);
        var vocabulary = graph.Config.VocabSize;
        var exponentials = new float[vocabulary];
        double loss = 0;
        foreach (var ids in texts)
        {
            using var run = new GraphRun(session, graph.Config);
            var logits = run.Step(ids);
            for (var t = 1; t < ids.Length; t++) loss -= LogProbability(logits.AsSpan((t - 1) * vocabulary, vocabulary), ids[t]);
        }

        return Math.Exp(loss / texts.Sum(ids => ids.Length - 1));

        double LogProbability(ReadOnlySpan<float> row, int id)
        {
            var most = TensorPrimitives.Max(row);
            TensorPrimitives.Subtract(row, most, exponentials);
            TensorPrimitives.Exp(exponentials, exponentials);
            return row[id] - most - Math.Log(TensorPrimitives.Sum<float>(exponentials));
        }
    }
}
