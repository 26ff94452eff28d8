namespace Alpaca.Inference.Onnx.Tests;

public sealed class OnnxDecodingSessionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(39)]
    public async Task Forward_PromptInPieces_EqualsPromptAtOnce(int first)
    {
        var prompt = LlamaFixture.Load("grouped").Prompt;
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("grouped").Folder);
        using var sequence = model.Start();

        model.Forward(sequence, prompt[..first]);
        var logits = model.Forward(sequence, prompt[first..]);

        ShouldEqual(logits, model.LogitsAfter(prompt));
    }

    [Fact]
    public async Task Forward_TokenByToken_EqualsPromptAtOnce()
    {
        var prompt = LlamaFixture.Load("plain").Prompt;
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("plain").Folder);
        using var sequence = model.Start();

        var logits = Array.Empty<float>();
        foreach (var id in prompt) logits = model.Forward(sequence, id);

        ShouldEqual(logits, model.LogitsAfter(prompt));
    }

    [Fact]
    public async Task Forward_PromptLongerThanAPiece_EqualsTheSamePromptInOneRun()
    {
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("plain").Folder);
        var prompt = Enumerable.Range(0, 500).Select(i => 3 + (i * 31 % 150)).ToArray();
        using var sequence = model.Start();
        model.Forward(sequence, prompt[..200]);
        model.Forward(sequence, prompt[200..440]);

        ShouldEqual(model.LogitsAfter(prompt), model.Forward(sequence, prompt[440..]));
    }

    [Fact]
    public async Task Forward_CapacityIsThePromptItself_GivesTheSameLogits()
    {
        var fixture = LlamaFixture.Load("plain");
        using var model = await ExportedModel.OfAsync(fixture.Folder);
        using var sequence = model.Start(fixture.Prompt.Length);

        ShouldEqual(model.Forward(sequence, fixture.Prompt), model.LogitsAfter(fixture.Prompt));
    }

    [Fact]
    public async Task Forward_TwoSequencesInTurns_DoNotDisturbEachOther()
    {
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("plain").Folder);
        int[] one = [1, 20, 30, 40, 50, 60], other = [1, 99, 98, 97, 96, 95];
        using var first = model.Start();
        using var second = model.Start(64);

        model.Forward(first, one[..3]);
        model.Forward(second, other[..2]);
        for (var i = 3; i < 5; i++) model.Forward(first, one[i]);
        var secondLogits = model.Forward(second, other[2..]);
        var firstLogits = model.Forward(first, one[5]);

        ShouldEqual(firstLogits, model.LogitsAfter(one));
        ShouldEqual(secondLogits, model.LogitsAfter(other));
    }

    [Fact]
    public async Task Forward_SequencesOnSeveralThreads_EqualOneAfterTheOther()
    {
        var prompt = LlamaFixture.Load("plain").Prompt;
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("plain").Folder);

        await Parallel.ForAsync(0, 8, (i, _) =>
        {
            using var sequence = model.Start();
            model.Forward(sequence, prompt[..(i + 1)]);
            for (var next = i + 1; next < prompt.Length - 1; next++) model.Forward(sequence, prompt[next]);
            ShouldEqual(model.Forward(sequence, prompt[^1]), model.LogitsAfter(prompt));
            return ValueTask.CompletedTask;
        });
    }

    [Fact]
    public async Task Forward_MoreThanTheCapacity_IsRefused()
    {
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("plain").Folder);
        using var sequence = model.Start(4);
        model.Forward(sequence, 1, 2, 3);

        var forward = () => model.Forward(sequence, 4, 5);

        forward.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task Forward_OneToken_AllocatesNoBuffers()
    {
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("plain").Folder);
        using var sequence = model.Start();
        var logits = new float[model.Signature.VocabularySize];
        for (var i = 0; i < 50; i++) sequence.Forward([5], logits);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) sequence.Forward([6], logits);

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(100 * 128);
    }

    private static void ShouldEqual(float[] actual, float[] expected)
    {
        actual.Should().HaveSameCount(expected);
        actual.Zip(expected, (a, e) => Math.Abs(a - e)).Max().Should().BeLessThan(1e-5f);
    }
}
