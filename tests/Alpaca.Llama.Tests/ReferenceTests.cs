using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

/// <summary>The decoder against PyTorch's figures for the same weights.</summary>
public sealed class ReferenceTests
{
    [Fact]
    public void Logits_StoredModel_EqualPyTorchs()
    {
        using var scope = NewDisposeScope();
        using var model = Load();
        var expected = TinyGqa.Expected;

        var logits = model.Logits(model.ForwardHidden(Row(expected.PromptIds)))[0]; // [T, V]

        var last = logits[-1];
        last.narrow(0, 0, 64).data<float>().ToArray().Should().BeEquivalentTo(expected.LastLogits, options => options
            .Using<float>(context => context.Subject.Should().BeApproximately(context.Expectation, 1e-4f)).WhenTypeIs<float>().WithStrictOrdering());
        last.argmax().item<long>().Should().Be(expected.Argmax);
        ((double)logits.norm().item<float>()).Should().BeApproximately(expected.L2, 1e-4 * expected.L2);
    }

    [Fact]
    public void Logits_GreedyWithCache_GivesPyTorchsTokens()
    {
        using var scope = NewDisposeScope();
        using var model = Load();
        var expected = TinyGqa.Expected;
        using var cache = model.CreateCache(expected.PromptIds.Length + expected.Greedy.Length);
        var tokens = new List<int>();
        int[] next = expected.PromptIds;
        var position = 0;

        while (tokens.Count < expected.Greedy.Length)
        {
            using var step = NewDisposeScope();
            var hidden = model.ForwardHidden(model.Embed(Row(next)), arange(position, position + next.Length).unsqueeze(0), cache.Extend(0, position, next.Length));
            tokens.Add((int)model.Logits(hidden)[0, -1].argmax().item<long>());
            position += next.Length;
            next = [tokens[^1]];
        }

        tokens.Should().Equal(expected.Greedy);
    }

    [Fact]
    public void Load_Progress_CountsEveryByteOnce()
    {
        using var files = HuggingFaceModel.Open(TinyGqa.Folder);
        var progress = new RecordingProgress();
        using var model = LlamaModel.Load(files, new LlamaModelOptions(), progress);

        progress.Total.Should().Be(files.Tensors.Tensors.Sum(tensor => tensor.ByteLength));
        progress.Done.Should().BeInAscendingOrder();
        progress.Done[^1].Should().Be(progress.Total);
    }

    private static LlamaModel Load()
    {
        using var files = HuggingFaceModel.Open(TinyGqa.Folder);
        return LlamaModel.Load(files, new LlamaModelOptions());
    }

    private static Tensor Row(int[] ids) => tensor(ids, dtype: ScalarType.Int64).unsqueeze(0);

    private sealed class RecordingProgress : IProgressTask
    {
        public double Total { get; private set; }

        public List<double> Done { get; } = [];

        public void Report(double done) => Done.Add(done);

        public void SetTotal(double total) => Total = total;

        public void SetStatus(string status)
        {
        }

        public void Dispose()
        {
        }
    }
}
