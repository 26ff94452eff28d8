using Alpaca.Formats;
using Alpaca.Llama;
using Alpaca.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Inference.Torch.Tests;

public sealed class TorchDecoderTests : IDisposable
{
    private const int Slots = 5;
    private readonly TorchDecoder _decoder = Load(ScalarType.Float32);

    public void Dispose() => _decoder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(58)]
    public void Extend_PromptInParts_GivesTheLogitsOfOnePass(int first)
    {
        var prompt = TinyGqa.Expected.PromptIds;
        var whole = _decoder.Extend(0, 0, prompt, null, LogitRows.Last).ToArray();

        _decoder.Extend(1, 0, prompt.AsSpan(0, first), null, LogitRows.None).Length.Should().Be(0);
        var inParts = _decoder.Extend(1, first, prompt.AsSpan(first), null, LogitRows.Last).ToArray();

        ShouldBeNear(inParts, whole);
        ShouldBeNear(whole[..64], TinyGqa.Expected.LastLogits);
    }

    [Fact]
    public void Extend_AllRows_EndsWithTheLastOne()
    {
        var all = _decoder.Extend(0, 0, Ids(1, 9), null, LogitRows.All).ToArray();
        var last = _decoder.Extend(1, 0, Ids(1, 9), null, LogitRows.Last).ToArray();

        all.Should().HaveCount(9 * _decoder.VocabularySize);
        ShouldBeNear(all[^last.Length..], last);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-4f)]
    [InlineData(ScalarType.BFloat16, 0.2f)]
    [InlineData(ScalarType.Float16, 0.05f)]
    public void Step_SlotsOfSeveralLengths_GivesEachItsOwnLogits(ScalarType type, float tolerance)
    {
        using var decoder = Load(type);
        int[] lengths = [3, 17, 1];
        for (var i = 0; i < lengths.Length; i++) decoder.Extend(1 + i, 0, Ids(i, lengths[i]), null, LogitRows.None);
        var rows = decoder.Step(1, [7, 8, 9], lengths, null).ToArray();

        for (var i = 0; i < lengths.Length; i++)
        {
            decoder.Extend(0, 0, Ids(i, lengths[i]), null, LogitRows.None);
            var alone = decoder.Step(0, [7 + i], [lengths[i]], null).ToArray();
            ShouldBeNear(rows.AsSpan(i * alone.Length, alone.Length).ToArray(), alone, tolerance);
        }
    }

    [Fact]
    public void Step_SlotsOfOneLength_GivesEachItsOwnLogits()
    {
        for (var i = 0; i < 3; i++) _decoder.Extend(i, 0, Ids(i, 6), null, LogitRows.None);
        var rows = _decoder.Step(0, [7, 8, 9], [6, 6, 6], null).ToArray();

        for (var i = 0; i < 3; i++) ShouldBeNear(rows.AsSpan(i * 400, 400).ToArray(), _decoder.Extend(4, 0, [.. Ids(i, 6), 7 + i], null, LogitRows.Last).ToArray());
    }

    [Fact]
    public void Extend_EarlierPosition_ForgetsWhatWasBehind()
    {
        var fresh = _decoder.Extend(0, 0, [.. Ids(1, 10), 55, 56], null, LogitRows.Last).ToArray();
        _decoder.Extend(1, 0, [.. Ids(1, 10), .. Ids(2, 30)], null, LogitRows.None);

        ShouldBeNear(_decoder.Extend(1, 10, [55, 56], null, LogitRows.Last).ToArray(), fresh);
    }

    [Fact]
    public void Copy_PartOfASlot_IsAsGoodAsTheOriginal()
    {
        _decoder.Extend(0, 0, Ids(1, 40), null, LogitRows.None);
        var fresh = _decoder.Extend(2, 0, [.. Ids(1, 25), 99], null, LogitRows.Last).ToArray();

        _decoder.Copy(0, 4, 25);

        ShouldBeNear(_decoder.Extend(4, 25, [99], null, LogitRows.Last).ToArray(), fresh);
    }

    [Fact]
    public void Extend_BeyondWhatIsAllocated_KeepsWhatIsThere()
    {
        using var scope = NewDisposeScope();
        using var model = Model(ScalarType.Float32);
        var ids = Ids(1, 200);
        var whole = model.Logits(model.ForwardHidden(tensor(ids.Select(id => (long)id).ToArray()).unsqueeze(0)).narrow(1, 199, 1)).data<float>().ToArray();
        _decoder.Extend(0, 0, ids.AsSpan(0, 150), null, LogitRows.None);
        _decoder.Extend(4, 0, Ids(3, 3), null, LogitRows.None); // more slots

        ShouldBeNear(_decoder.Extend(0, 150, ids.AsSpan(150), null, LogitRows.Last).ToArray(), whole);
    }

    [Fact]
    public void Embed_LongerThanAPass_IsTheMeanOverAllPositions()
    {
        using var scope = NewDisposeScope();
        using var model = Model(ScalarType.Float32);
        var ids = Ids(1, 256)[..250];
        var expected = model.ForwardHidden(tensor(ids.Select(id => (long)id).ToArray()).unsqueeze(0)).mean([1]).data<float>().ToArray();
        var mean = new float[_decoder.HiddenSize];

        _decoder.Embed(Slots - 1, ids, null, mean);

        ShouldBeNear(mean, expected);
    }

    [Fact]
    public void Step_ManyTimes_LeavesNoTensorBehind()
    {
        _decoder.Extend(0, 0, Ids(1, 4), null, LogitRows.None);
        _decoder.Extend(1, 0, Ids(1, 9), null, LogitRows.None);
        _decoder.Step(0, [1, 2], [4, 9], null);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (var i = 1; i < 50; i++) _decoder.Step(0, [1, 2], [4 + i, 9 + i], null);

        DisposeScopeManager.Statistics.ThreadTotalLiveCount.Should().Be(before);
    }

    [Fact]
    public void Extend_BeyondTheContext_Throws()
    {
        var act = () => _decoder.Extend(0, 255, [1, 2], null, LogitRows.Last).Length;
        act.Should().Throw<InvalidOperationException>().WithMessage("*256 positions*");
    }

    private static TorchDecoder Load(ScalarType type)
    {
        using var files = HuggingFaceModel.Open(TinyGqa.Folder);
        return new TorchDecoder(Model(type), TorchAdapters.Load([], files.Config, type, CPU), 256, Slots);
    }

    private static LlamaModel Model(ScalarType type)
    {
        using var files = HuggingFaceModel.Open(TinyGqa.Folder);
        return LlamaModel.Load(files, new LlamaModelOptions { WeightType = type });
    }

    private static int[] Ids(int seed, int count) => [.. Enumerable.Range(0, count).Select(i => 1 + ((i * 37) + (seed * 101)) % 390)];

    private static void ShouldBeNear(float[] actual, float[] expected, float tolerance = 1e-4f)
    {
        actual.Should().HaveSameCount(expected);
        actual.Zip(expected, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThan(tolerance);
    }
}
