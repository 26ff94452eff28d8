using Alpaca.Formats;

namespace Alpaca.Host.Tests;

public sealed class BenchVerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Weights_SameSeed_GivesTheSameTensorsAndAnotherSeedOthers()
    {
        await MakeAsync("first", "--seed", "7");
        await MakeAsync("second", "--seed", "7");
        await MakeAsync("third", "--seed", "8");

        Digests("second").Should().Equal(Digests("first"));
        Digests("third").Should().NotEqual(Digests("first"));
    }

    [Fact]
    public async Task Weights_Tiny_AreAnOriginalCheckpointAndAnAdapterThatFitsIt()
    {
        await MakeAsync("made");

        using var model = MetaModel.Open(_folder.Combine("made", "tiny"));
        using var adapter = PeftAdapter.Open(_folder.Combine("made", "adapter"));
        model.ShardFiles.Should().HaveCount(2);
        model.Tensors.Should().OnlyContain(t => t.DType == DType.Float16);
        adapter.Pairs.Should().HaveCount(7 * model.Config.NumHiddenLayers);
        adapter.VocabularySize.Should().BeGreaterThan(model.Config.VocabSize);
        var values = model.ReadAsFloat32(model.Find(LlamaTensorNames.EmbedTokens)!);
        values.Average().Should().BeApproximately(0, 0.001f);
        Math.Sqrt(values.Average(v => v * v)).Should().BeApproximately(0.02, 0.0005);
    }

    [Fact]
    public async Task Weights_Sparse_AreAllZero()
    {
        await MakeAsync("sparse", "--sparse");

        using var model = MetaModel.Open(_folder.Combine("sparse", "tiny"));
        model.Tensors.Should().OnlyContain(t => model.ReadBytes(t).All(b => b == 0));
    }

    [Fact]
    public async Task Weights_FolderIsThere_IsLeftAlone()
    {
        var kept = _folder.Write("made/tiny/params.json", "mine");

        (await CommandRun.InvokeAsync("bench", "weights", "--shape", "tiny", "--output-dir", _folder.Combine("made"))).ShouldFail(ExitCodes.Usage, "is there already");

        (await File.ReadAllTextAsync(kept)).Should().Be("mine");
    }

    [Theory]
    [InlineData("Name a bench: weights, convert, merge, tokenizer, train, inference.")]
    [InlineData("--shape is '8C'", "weights", "--shape", "8C")]
    [InlineData("--output-dir is missing", "weights")]
    [InlineData("--scratch-dir is missing", "convert", "--input-dir", "x")]
    [InlineData("--lora-model is missing", "merge", "--base-model", "x", "--scratch-dir", "y")]
    [InlineData("--runs: 'onnx:int3' is not a run", "inference", "--runs", "onnx:int3")]
    [InlineData("--runs: 'onnx:int4:48' is not a run", "inference", "--runs", "onnx:int4:48")]
    [InlineData("--runs: 'torch:fp32:32' is not a run", "inference", "--runs", "torch:fp32:32")]
    [InlineData("--peer is 'vllm'", "inference", "--peer", "vllm")]
    [InlineData("--batch is '1,x'", "inference", "--batch", "1,x")]
    [InlineData("--shape and --model exclude each other", "inference", "--shape", "tiny", "--model", "x")]
    [InlineData("--streams and --peer exclude each other", "inference", "--streams", "4", "--peer", "llama.cpp")]
    public async Task Bench_WrongOrMissing_IsSaid(string message, params string[] arguments)
        => (await CommandRun.InvokeAsync(["bench", .. arguments])).ShouldFail(ExitCodes.Usage, message);

    [Fact]
    public void BenchResult_SeveralValues_HasMeanAndSampleDeviation()
    {
        var result = BenchResult.Of("time", "s", [1, 2, 3]);

        (result.Value, result.Deviation).Should().Be((2, 1));
    }

    [Theory]
    [InlineData(new[] { 3d, 1, 2 }, 2)]
    [InlineData(new[] { 4d, 1, 2, 3 }, 2.5)]
    public void BenchResult_Median_IsTheMiddle(double[] values, double median) => BenchResult.MedianOf("time", "s", values).Value.Should().Be(median);

    private async Task MakeAsync(string name, params string[] options)
        => (await CommandRun.InvokeAsync(["bench", "weights", "--shape", "tiny", "--output-dir", _folder.Combine(name), .. options])).ShouldSucceed();

    private List<string> Digests(string name)
    {
        using var model = MetaModel.Open(_folder.Combine(name, "tiny"));
        using var adapter = TensorSource.Open(_folder.Combine(name, "adapter"));
        return [.. model.Tensors.Select(t => model.Sha256(t)), .. adapter.Tensors.Select(t => adapter.Sha256(t))];
    }
}
