using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class OnnxDecoderTests : IDisposable
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 400).Select(i => 3 + (i * 31 % 150))];

    private readonly TemporaryFolder _folder = new();
    private int _exports;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, false)]
    [InlineData(7, false)]
    [InlineData(39, false)]
    [InlineData(7, true)]
    public async Task Extend_PromptInPieces_EqualsPromptAtOnce(int first, bool isGrowing)
    {
        using var decoder = await OpenAsync("grouped", isGrowing);
        var prompt = Ids[..40];
        var expected = decoder.Last(0, 0, prompt);

        decoder.Feed(1, 0, prompt[..first]);

        ShouldEqual(decoder.Last(1, first, prompt[first..]), expected);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Extend_LongPrompt_EqualsItsPieces(bool isGrowing)
    {
        using var decoder = await OpenAsync("plain", isGrowing);
        decoder.Feed(0, 0, Ids[..150]);
        decoder.Feed(0, 150, Ids[150..390]);

        ShouldEqual(decoder.Last(0, 390, Ids[390..]), decoder.Last(1, 0, Ids));
    }

    [Fact]
    public async Task Extend_AllRows_EachEqualsThePrefixThatEndsThere()
    {
        using var decoder = await OpenAsync("grouped");
        decoder.Feed(0, 0, Ids[..5]);

        var all = decoder.Extend(0, 5, Ids.AsSpan(5, 7), null, LogitRows.All).ToArray();

        all.Should().HaveCount(7 * decoder.VocabularySize);
        for (var i = 0; i < 7; i++) ShouldEqual(all[(i * decoder.VocabularySize)..((i + 1) * decoder.VocabularySize)], decoder.Last(1, 0, Ids[..(6 + i)]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Extend_FromAnEarlierPosition_ForgetsWhatCameLater(bool isGrowing)
    {
        using var decoder = await OpenAsync("plain", isGrowing);
        decoder.Feed(0, 0, Ids[..90]);
        decoder.Step(0, [5], [90], null);

        var logits = decoder.Last(0, 20, Ids[100..110]);

        ShouldEqual(logits, decoder.Last(1, 0, [.. Ids[..20], .. Ids[100..110]]));
    }

    [Theory]
    [InlineData("plain", false)]
    [InlineData("grouped", false)]
    [InlineData("tied", false)]
    [InlineData("grouped", true)]
    public async Task Step_SlotsOfDifferentLengths_EachEqualsItsOwnRun(string name, bool isGrowing)
    {
        using var decoder = await OpenAsync(name, isGrowing, slots: 6);
        int[] lengths = [3, 70, 1, 128, 64], ids = [9, 8, 7, 6, 5];
        for (var i = 0; i < lengths.Length; i++) decoder.Feed(i, 0, Ids[i..(i + lengths[i])]);

        for (var step = 0; step < 3; step++)
        {
            var logits = decoder.Step(1, ids.AsSpan(1, 3), [.. lengths[1..4].Select(length => length + step)], null).ToArray();

            for (var i = 1; i < 4; i++)
            {
                int[] whole = [.. Ids[i..(i + lengths[i])], .. Enumerable.Repeat(ids[i], step + 1)];
                ShouldEqual(logits[((i - 1) * decoder.VocabularySize)..(i * decoder.VocabularySize)], decoder.Last(5, 0, whole));
            }
        }

        ShouldEqual(decoder.Last(0, 3, [9]), decoder.Last(5, 0, [.. Ids[..3], 9]));
        ShouldEqual(decoder.Last(4, 64, [5]), decoder.Last(5, 0, [.. Ids[4..68], 5]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Copy_PartOfASlot_GoesOnFromThere(bool isGrowing)
    {
        using var decoder = await OpenAsync("grouped", isGrowing);
        decoder.Feed(0, 0, Ids[..50]);
        decoder.Feed(2, 0, Ids[200..300]);

        decoder.Copy(0, 2, 30);
        var copied = decoder.Last(2, 30, Ids[60..65]);

        ShouldEqual(copied, decoder.Last(1, 0, [.. Ids[..30], .. Ids[60..65]]));
        ShouldEqual(decoder.Last(0, 50, Ids[50..55]), decoder.Last(1, 0, Ids[..55]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Extend_UpToTheContextsEnd_Works(bool isGrowing)
    {
        using var decoder = await OpenAsync("plain", isGrowing, contextLength: 70);
        var expected = decoder.Last(1, 0, Ids[..70]);
        decoder.Feed(0, 0, Ids[..69]);

        ShouldEqual(decoder.Step(0, [Ids[69]], [69], null).ToArray(), expected);
    }

    [Fact]
    public async Task Extend_BeyondTheContext_IsRefused()
    {
        using var decoder = await OpenAsync("plain", contextLength: 4);

        var extend = () => { decoder.Extend(0, 3, [4, 5], null, LogitRows.Last); };

        extend.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task Step_Again_AllocatesNoManagedMemory()
    {
        using var decoder = await OpenAsync("plain");
        int[] ids = [5, 6, 7], positions = [64, 70, 80];
        for (var i = 0; i < 50; i++) decoder.Step(0, ids, positions, null);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) decoder.Step(0, ids, positions, null);

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(100 * 128);
    }

    [Theory]
    [InlineData(Precision.Fp16, false, 2e-2f)]
    [InlineData(Precision.Fp16, true, 2e-2f)]
    [InlineData(Precision.Int8, false, 5e-2f)]
    [InlineData(Precision.Int4, false, 0.5f)]
    public async Task Step_OtherPrecision_IsNearPyTorch(Precision precision, bool isGrowing, float tolerance)
    {
        var fixture = LlamaFixture.Load("plain");
        using var decoder = await OpenAsync("plain", isGrowing, precision: precision);
        var last = fixture.Prompt.Length - 1;
        decoder.Feed(1, 0, fixture.Prompt[..^1]);
        decoder.Feed(0, 0, Ids[..70]);

        var logits = decoder.Step(0, [9, fixture.Prompt[^1]], [70, last], null)[decoder.VocabularySize..].ToArray();

        LogitDifference.RelativeBetween(logits, fixture.Logits).Should().BeLessThan(tolerance);
        decoder.Copy(1, 2, last);
        LogitDifference.RelativeBetween(decoder.Last(2, last, fixture.Prompt[^1]), logits).Should().BeLessThan(2e-2f);
    }

    [Fact]
    public async Task Step_HeadsThatNoSharedCacheTakes_EqualsTheModel()
    {
        var config = new LlamaConfig
        {
            HiddenSize = 96, IntermediateSize = 80, NumHiddenLayers = 2, NumAttentionHeads = 4, NumKeyValueHeads = 2, HeadDim = 24, VocabSize = 90, MaxPositionEmbeddings = 64, TorchDType = DType.Float32,
        };
        var model = _folder.CreateFolder("model");
        RandomModel.Write(model, config, seed: 1);
        using var decoder = await OpenFolderAsync(model, contextLength: 64);
        int[] one = [1, 5, 80, 33, 2, 9, 47, 60], other = [1, 7, 3];
        decoder.Feed(0, 0, one[..4]);
        decoder.Feed(0, 4, one[4..7]);
        decoder.Feed(1, 0, other[..2]);

        var logits = decoder.Step(0, [one[7], other[2]], [7, 2], null).ToArray();

        ShouldEqual(logits[..90], RandomModel.Logits(model, one)[^90..]);
        ShouldEqual(logits[90..], RandomModel.Logits(model, other)[^90..]);
    }

    [Fact]
    public async Task Extend_GraphThatGivesAllPositions_EqualsTheLastOne()
    {
        using var chooses = await OpenAsync("plain");
        using var all = await OpenAsync("plain", change: signature => signature with { ChoosesLogits = false });

        ShouldEqual(all.Last(0, 0, Ids), chooses.Last(0, 0, Ids));
        ShouldEqual(all.Step(0, [5], [30], null).ToArray(), chooses.Step(0, [5], [30], null).ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Embed_Text_IsTheMeanOfTheHiddenStates(bool isGrowing)
    {
        var fixture = LlamaFixture.Load("plain");
        using var decoder = await OpenAsync("plain", isGrowing);
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = fixture.Folder });
        using var run = graph.Start();
        run.Step(Ids);
        var expected = new float[decoder.HiddenSize];
        for (var i = 0; i < run.HiddenStates.Length; i++) expected[i % expected.Length] += run.HiddenStates[i] / Ids.Length;
        decoder.Feed(0, 0, Ids[..20]);

        var mean = new float[decoder.HiddenSize];
        decoder.Embed(3, Ids, null, mean);

        ShouldEqual(mean, expected);
        ShouldEqual(decoder.Last(0, 20, Ids[20]), decoder.Last(1, 0, Ids[..21]));
    }

    [Fact]
    public async Task Embed_GraphWithoutHiddenStates_SaysWhatToDo()
    {
        using var decoder = await OpenAsync("plain", change: signature => signature with { HasHiddenStates = false });

        var embed = () => decoder.Embed(0, [1, 2], null, new float[decoder.HiddenSize]);

        embed.Should().Throw<AlpacaException>().WithMessage("*hidden_states*export it again*");
    }

    private static void ShouldEqual(float[] actual, float[] expected)
    {
        actual.Should().HaveSameCount(expected);
        actual.Zip(expected, (a, e) => Math.Abs(a - e)).Max().Should().BeLessThan(1e-4f);
    }

    private Task<OnnxDecoder> OpenAsync(
        string fixture, bool isGrowing = false, int slots = 4, int contextLength = 512, Precision precision = Precision.Fp32, Func<DecoderSignature, DecoderSignature>? change = null)
        => OpenFolderAsync(LlamaFixture.Load(fixture).Folder, isGrowing, slots, contextLength, precision, change);

    private async Task<OnnxDecoder> OpenFolderAsync(
        string model, bool isGrowing = false, int slots = 4, int contextLength = 512, Precision precision = Precision.Fp32, Func<DecoderSignature, DecoderSignature>? change = null)
    {
        var context = StageContexts.In(_folder, $"out{_exports++}");
        await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = model, Precision = precision }, context);
        return Decoders.Open(context.OutputFolder, slots, contextLength, isGrowing, change: change);
    }
}
