using Alpaca.Formats;
using Alpaca.Llama;
using TorchSharp;

namespace Alpaca.Inference.Torch.Tests;

public sealed class TorchDecodingSessionTests : IDisposable
{
    private readonly NumericsThread _numerics = new();
    private readonly LlamaModel _model;

    public TorchDecodingSessionTests()
    {
        using var files = HuggingFaceModel.Open(TinyGqa.Folder);
        _model = LlamaModel.Load(files, new LlamaModelOptions());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(58)]
    [InlineData(59)]
    public void Forward_PromptInChunks_GivesTheLogitsOfOnePass(int chunk)
    {
        TinyGqa.Expected.PromptIds.Should().HaveCount(59);
        var whole = Logits(512, TinyGqa.Expected.PromptIds);
        var chunked = Logits(chunk, TinyGqa.Expected.PromptIds);
        chunked.Zip(whole, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThan(1e-5f);
    }

    [Fact]
    public void Forward_SeveralCalls_ContinueTheSequence()
    {
        var prompt = TinyGqa.Expected.PromptIds;
        var whole = Logits(512, prompt);
        var logits = new float[_model.Config.VocabSize];
        using var session = new TorchDecodingSession(_model, _numerics, prompt.Length);

        session.Forward(prompt.AsSpan(0, 20), logits);
        for (var i = 20; i < prompt.Length; i++) session.Forward([prompt[i]], logits);

        logits.Zip(whole, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThan(1e-5f);
    }

    [Fact]
    public void Forward_ManyCalls_LeaveNoTensorBehind()
    {
        var logits = new float[_model.Config.VocabSize];
        using var session = new TorchDecodingSession(_model, _numerics, 100, prefillChunk: 4);
        session.Forward([1, 5, 6, 7, 8, 9], logits);
        var before = LiveTensors();

        for (var i = 0; i < 50; i++) session.Forward([1 + i], logits);

        LiveTensors().Should().Be(before);
    }

    [Fact]
    public void Forward_BeyondTheCapacity_ThrowsAtTheCaller()
    {
        using var session = new TorchDecodingSession(_model, _numerics, 4);
        var act = () => session.Forward([1, 2, 3, 4, 5], new float[_model.Config.VocabSize]);
        act.Should().Throw<InvalidOperationException>();
    }

    public void Dispose()
    {
        _numerics.Dispose();
        _model.Dispose();
    }

    private long LiveTensors() => _numerics.Run(() => DisposeScopeManager.Statistics.ThreadTotalLiveCount);

    private float[] Logits(int chunk, int[] ids)
    {
        var logits = new float[_model.Config.VocabSize];
        using var session = new TorchDecodingSession(_model, _numerics, ids.Length, chunk);
        session.Forward(ids, logits);
        return logits;
    }
}
