using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Merging;
using Alpaca.Text;
using static TorchSharp.torch;

namespace Alpaca.Training.Tests;

public sealed class TrainableRowsTests
{
    private const int OldRows = 512;
    private const int Pieces = 540;
    private const string EmbedTokens = "base_model.model.model.embed_tokens.weight";
    private const string LmHead = "base_model.model.lm_head.weight";

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Backward_NewRows_GivesTheGradientThatTrainingAllRowsGivesThem(bool tied, bool saving)
    {
        using var folder = new TemporaryFolder();
        var request = TinyLlama.Fixture.Request(await TinyLlama.Fixture.ConvertAsync(folder));
        if (tied) request = Tie(request);
        request = saving ? TinyLlama.Saving(request) : TinyLlama.Plain(request);
        TrainingRow[] rows = [Samples.Row(SampleWithNewPieces(1)), Samples.Row(SampleWithNewPieces(2)), Samples.Row(Samples.Random(3, 4, 6))];

        using var all = TrainedModels.Load(request, Pieces);
        using var some = TrainedModels.Load(request with { TrainableRows = TrainableRows.New }, Pieces);
        var (loss, _) = all.LossAndGradient(rows);
        var (newLoss, _) = some.LossAndGradient(rows);

        newLoss.Should().BeApproximately(loss, 1e-6f);
        some.Parameters.Parameters.Select(p => p.Name).Where(name => name.EndsWith("added_rows", StringComparison.Ordinal)).Should().HaveCount(tied ? 1 : 2);
        foreach (var trained in some.Parameters.Parameters)
        {
            var whole = all.Parameters.Parameters.Single(p => p.Name == (trained.Matrix?.Name ?? trained.Name)).Parameter.grad!;
            using var expected = trained.Matrix is null ? whole.alias() : whole.narrow(0, OldRows, Pieces - OldRows);
            using var difference = expected.sub(trained.Parameter.grad!).abs().max();
            var largest = whole.abs().max().item<float>();
            difference.item<float>().Should().BeLessThan(1e-6f * MathF.Max(1, largest));
            if (trained.Matrix is not null) largest.Should().BeGreaterThan(1e-4f);
        }
    }

    [Fact]
    public async Task Load_NewRows_TakesMemoryForThemAlone()
    {
        using var folder = new TemporaryFolder();
        var request = TinyLlama.Fixture.Request(await TinyLlama.Fixture.ConvertAsync(folder)) with { Precision = Precision.Bf16 };

        var before = LiveBytes(request);
        var after = LiveBytes(request with { TrainableRows = TrainableRows.New });

        // Of 512 old rows in two matrices of width 32: value, gradient and two moments in float32, less the value in bfloat16.
        (before - after).Should().Be(2 * OldRows * 32 * (4 * 4 - 2));

        static long LiveBytes(TrainRequest request)
        {
            using var model = TrainedModels.Load(request, Pieces);
            using var optimizer = new AdamW(model.Parameters, 0);
            Tensor[] trained = [model.Parameters.Values, model.Parameters.Gradient, optimizer.FirstMoment, optimizer.SecondMoment];
            return model.FrozenBytes + trained.Sum(t => t.numel() * t.element_size());
        }
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public async Task ExecuteAsync_NewRows_KeepsTheOldOnesBitForBitAndMergesToThem(Precision precision)
    {
        using var folder = await TrainingFolder.CreateAsync();
        var tokenizer = folder.GrownTokenizer();
        var request = folder.Request() with { TokenizerNameOrPath = tokenizer, TrainableRows = TrainableRows.New, Precision = precision };
        var output = await folder.TrainAsync(request, "out");

        using var baseModel = HuggingFaceModel.Open(folder.Model);
        using var adapter = PeftAdapter.Open(output);
        foreach (var name in new[] { LlamaTensorNames.EmbedTokens, LlamaTensorNames.LmHead })
        {
            adapter.SavedModules[name].Shape.Should().Equal(513, 32);
            var saved = adapter.Tensors.ReadAsFloat32(adapter.SavedModules[name])[..(OldRows * 32)];
            var old = baseModel.Tensors.ReadAsFloat32(baseModel.Tensors.Find(name)!);
            saved.Should().Equal(old);
        }

        using var mergedFolder = new TemporaryFolder();
        var merged = StageContexts.In(mergedFolder, "merged");
        await new AdapterMerger().ExecuteAsync(new MergeRequest { BaseModel = folder.Model, LoraModel = [output] }, merged);
        using var model = HuggingFaceModel.Open(merged.OutputFolder);
        model.Config.VocabSize.Should().Be(513);
        var embedding = model.Tensors.Find(LlamaTensorNames.EmbedTokens)!;
        model.Tensors.ReadBytes(embedding)[..(OldRows * 32 * embedding.DType.Size())].Should().Equal(baseModel.Tensors.ReadBytes(baseModel.Tensors.Find(LlamaTensorNames.EmbedTokens)!));
    }

    [Fact]
    public async Task ExecuteAsync_NewRowsCancelledAndStartedAgain_EqualsAStraightRunBitForBit()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { TokenizerNameOrPath = folder.GrownTokenizer(), TrainableRows = TrainableRows.New };
        var straight = await folder.TrainAsync(request, "straight");
        folder.DeleteCheckpoints();

        using (var cancellation = new CancelAtStep(7))
        {
            var run = () => folder.TrainAsync(request, "cancelled", cancellation);
            await run.Should().ThrowAsync<OperationCanceledException>();
        }

        using (var checkpoint = TensorSource.Open(Path.Combine(folder.Resume, "checkpoint-7", PeftAdapter.WeightsName)))
        {
            checkpoint.Find($"{LmHead}.added_rows")!.Shape.Should().Equal(1, 32);
            checkpoint.Find(LmHead).Should().BeNull();
            checkpoint.Find(EmbedTokens).Should().BeNull();
        }

        var resumed = await folder.TrainAsync(request, "resumed");

        File.ReadAllBytes(Path.Combine(resumed, PeftAdapter.WeightsName)).Should().Equal(File.ReadAllBytes(Path.Combine(straight, PeftAdapter.WeightsName)));
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public async Task ExecuteAsync_NewRowsFromAnAdapter_GoesOnWithAllOfItsRows(Precision precision)
    {
        using var folder = await TrainingFolder.CreateAsync();
        // Trained in full, so that the old rows are not the base's either.
        var request = folder.Request() with { TokenizerNameOrPath = folder.GrownTokenizer(), Precision = precision };
        var first = await folder.TrainAsync(request, "first");
        folder.DeleteCheckpoints();
        var same = await folder.TrainAsync(request with { PeftPath = first, TrainableRows = TrainableRows.New, LearningRate = 0, TrainingSteps = 1 }, "same");
        folder.DeleteCheckpoints();
        var further = await folder.TrainAsync(request with { PeftPath = first, TrainableRows = TrainableRows.New }, "further");

        File.ReadAllBytes(Path.Combine(same, PeftAdapter.WeightsName)).Should().Equal(File.ReadAllBytes(Path.Combine(first, PeftAdapter.WeightsName)));
        Head(further)[..(OldRows * 32)].Should().Equal(Head(first)[..(OldRows * 32)]);
        Head(further)[(OldRows * 32)..].Should().NotEqual(Head(first)[(OldRows * 32)..]);

        static float[] Head(string adapter)
        {
            using var source = PeftAdapter.Open(adapter);
            return source.Tensors.ReadAsFloat32(source.SavedModules[LlamaTensorNames.LmHead]);
        }
    }

    [Fact]
    public async Task ExecuteAsync_NewRowsWithoutANewPiece_SaysWhatToDo()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var run = () => folder.ExecuteAsync(folder.Request() with { TrainableRows = TrainableRows.New });
        (await run.Should().ThrowAsync<AlpacaException>()).WithMessage("TrainableRows is new, but * adds no piece to the 512 rows of * set TrainableRows to all.");
    }

    [Fact]
    public async Task ExecuteAsync_NewRowsWithoutModulesToSave_NamesThem()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var run = () => folder.ExecuteAsync(folder.Request() with { TokenizerNameOrPath = folder.GrownTokenizer(), TrainableRows = TrainableRows.New, ModulesToSave = [] });
        (await run.Should().ThrowAsync<AlpacaException>()).WithMessage("*set ModulesToSave to embed_tokens,lm_head.");
    }

    private static SupervisedExample SampleWithNewPieces(int seed)
    {
        var sample = Samples.Random(seed, 5, 9);
        var ids = sample.InputIds.Select((id, i) => i % 3 == 0 ? OldRows + ((seed * 7 + i) % (Pieces - OldRows)) : id).ToArray();
        return new SupervisedExample(ids, [.. ids.Select((id, i) => i < 5 ? SupervisedEncoder.IgnoreIndex : id)]);
    }

    private static TrainRequest Tie(TrainRequest request)
    {
        var path = Path.Combine(request.ModelNameOrPath, LlamaConfig.FileName);
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json["tie_word_embeddings"] = true;
        File.WriteAllText(path, json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        return request with { ModulesToSave = ["embed_tokens"] };
    }
}
