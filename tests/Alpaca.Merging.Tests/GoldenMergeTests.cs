using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Convert;
using Alpaca.Formats;

namespace Alpaca.Merging.Tests;

public sealed class GoldenMergeTests
{
    [GoldenFact]
    public async Task ExecuteAsync_GoldenAdapters_EveryTensorHasTheNormOfPyTorch()
    {
        using var folder = new TemporaryFolder();
        var converted = StageContexts.In(folder, "converted");
        var merged = StageContexts.In(folder, "merged");
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = Golden.Path("tiny", "meta") }, converted);

        await new AdapterMerger().ExecuteAsync(
            new MergeRequest { BaseModel = converted.OutputFolder, LoraModel = [Golden.Path("tiny", "adapter-pretrain"), Golden.Path("tiny", "adapter-sft")] }, merged);

        using var expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Golden.Path("tiny", "expected.json")));
        using var model = HuggingFaceModel.Open(merged.OutputFolder);
        var norms = expected.RootElement.GetProperty("merge").GetProperty("tensor_l2").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble());
        model.Tensors.Tensors.Select(t => t.Name).Should().BeEquivalentTo(norms.Keys);
        using var last = PeftAdapter.Open(Golden.Path("tiny", "adapter-sft"));
        foreach (var (name, norm) in norms)
        {
            if (last.SavedModules.TryGetValue(name, out var saved))
            {
                // PyTorch's float32 sum over three million squares is off by more than anything worth finding; the bits are known.
                model.Tensors.Sha256(model.Tensors.Find(name)!).Should().Be(last.Tensors.Sha256(saved), name);
                continue;
            }

            // Rounding to float16 moves each element by at most 2^-11 of its value, either way; over thousands of elements that all but cancels in the norm.
            var actual = Math.Sqrt(model.Tensors.ReadAsFloat32(model.Tensors.Find(name)!).Sum(v => (double)v * v));
            actual.Should().BeApproximately(norm, norm * 2e-5, name);
        }
    }
}
