using System.Numerics.Tensors;
using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Convert;
using Alpaca.Text;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>Exported models in <c>@huggingface/transformers</c>, which knows nothing of this project.</summary>
public sealed class TransformersJsTests : IDisposable
{
    private const int NewTokens = 12;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TransformersJsTheory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Int4)]
    public async Task Generate_ExportedSample_GivesTheSameGreedyText(Precision precision)
    {
        var model = StageContexts.In(_folder, "model");
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = Path.Combine(Golden.RepositoryRoot, "samples", "llama-tiny"), ModelSize = "tiny" }, model);
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = model.OutputFolder, Precision = precision });
        var tokenizer = ModelTokenizer.Load(model.OutputFolder);
        string[] prompts = ["The capital of China is", "Once upon a time", "中国的首都是"];

        using var output = await NodeModules.RunAsync("generate.mjs", new { folder = graph.Folder, options = new { subfolder = "", dtype = "fp32" }, prompts, maxNewTokens = NewTokens });

        T[] Read<T>(string key) => output.RootElement.GetProperty(key).Deserialize<T[]>()!;
        var promptIds = prompts.Select(prompt => tokenizer.Encode(prompt, addBos: true).ToArray()).ToArray();
        Read<int[]>("promptIds").Should().BeEquivalentTo(promptIds, options => options.WithStrictOrdering());
        var expected = promptIds.Select(ids => Greedy(graph, ids)).ToArray();
        Read<int[]>("ids").Should().BeEquivalentTo(expected, options => options.WithStrictOrdering());
        Read<string>("texts").Select(WholeCharacters).Should().Equal(expected.Select(ids => WholeCharacters(tokenizer.Decode(ids))));
        Read<string>("inputs").Should().Equal(graph.Session.InputNames, "inputs that need not be fed are no burden to others");
    }

    // The bytes of a character that the last id leaves incomplete are one replacement character there, one for each byte here.
    private static string WholeCharacters(string text) => text.TrimEnd('\uFFFD').Trim();

    private static int[] Greedy(ExportedGraph graph, int[] ids)
    {
        using var run = graph.Start();
        var logits = run.Step(ids);
        var greedy = new List<int>();
        while (greedy.Count < NewTokens)
        {
            greedy.Add(TensorPrimitives.IndexOfMax<float>(logits.AsSpan(logits.Length - graph.Config.VocabSize)));
            if (graph.Config.EosTokenIds.Contains(greedy[^1])) break;
            logits = run.Step([greedy[^1]]);
        }

        return [.. greedy];
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class TransformersJsTheoryAttribute : TheoryAttribute
    {
        public TransformersJsTheoryAttribute() => Skip = NodeModules.WhyWithout("@huggingface/transformers");
    }
}
