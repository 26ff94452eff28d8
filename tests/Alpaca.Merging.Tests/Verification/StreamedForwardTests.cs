using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Convert;
using Alpaca.Formats;

namespace Alpaca.Merging.Tests.Verification;

/// <summary>The streamed decoder against PyTorch's figures for the same weights.</summary>
public sealed class StreamedForwardTests
{
    [Fact]
    public void Head_GroupedQueryAttentionAndAnotherBase_EqualsPyTorch()
    {
        var expected = TinyGqa.Expected;
        using var model = HuggingFaceModel.Open(TinyGqa.Folder);
        var weights = new UnmergedWeights(LlamaTensorNames.Describe(model.Config).Select(t => new MergedTensor(model.Tensors, model.Tensors.Find(t.Name)!)));

        var logits = Run(model.Config, weights, expected.PromptIds);

        var last = logits[expected.PromptIds.Length - 1].ToArray();
        last.Take(64).Zip(expected.LastLogits).Max(p => Math.Abs(p.First - p.Second)).Should().BeLessThan(1e-4f);
        Array.IndexOf(last, last.Max()).Should().Be(expected.Argmax);
        Math.Sqrt(logits.Values.Sum(v => (double)v * v)).Should().BeApproximately(expected.L2, 1e-4 * expected.L2);
    }

    [GoldenFact]
    public async Task Head_TwoAdaptersUnmerged_EqualsPyTorchsMergedModel()
    {
        using var folder = new TemporaryFolder();
        var converted = StageContexts.In(folder, "converted");
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = Golden.Path("tiny", "meta") }, converted);
        using var document = JsonDocument.Parse(await File.ReadAllBytesAsync(Golden.Path("tiny", "expected.json")));
        var expected = document.RootElement.GetProperty("merge");
        var ids = expected.GetProperty("prompt_ids").Deserialize<int[]>()!;
        using var plan = MergePlan.Create(
            new MergeRequest { BaseModel = converted.OutputFolder, LoraModel = [Golden.Path("tiny", "adapter-pretrain"), Golden.Path("tiny", "adapter-sft")] });

        var logits = Run(plan.Config, new UnmergedWeights(plan.Tensors), ids);

        var last = logits[ids.Length - 1].ToArray();
        last.Take(64).Zip(expected.GetProperty("last_logits_first_64").Deserialize<float[]>()!).Max(p => Math.Abs(p.First - p.Second)).Should().BeLessThan(1e-3f);
        Array.IndexOf(last, last.Max()).Should().Be(expected.GetProperty("last_logits_argmax").GetInt32());
    }

    private static Activations Run(LlamaConfig config, UnmergedWeights weights, IReadOnlyList<int> ids)
        => new StreamedForward(config, weights, ids).Run(new RowPipeline(NullProgress.Instance, CancellationToken.None));
}
