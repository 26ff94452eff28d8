using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Llama;
using Alpaca.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Training.Tests;

public sealed class TrainedModelTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private TrainedModel _model = null!;

    public async Task InitializeAsync()
    {
        var tiny = TinyLlama.Fixture;
        _model = TrainedModels.Load(tiny.Request(await tiny.ConvertAsync(_folder)));
        WithUpdates(_model);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Backward_WindowCutIntoMicroBatches_EqualsOneBatch(int size)
    {
        TrainingRow[] rows = [.. Enumerable.Range(0, 6).Select(i => Samples.Row(Samples.Random(i, 3 + i, 1 + 4 * i)))];

        var (loss, gradient) = _model.LossAndGradient(rows);
        var (cutLoss, cutGradient) = _model.LossAndGradient([.. rows.Chunk(size)]);

        cutLoss.Should().BeApproximately(loss, 1e-5f);
        MaxDifference(cutGradient, gradient).Should().BeLessThan(1e-6f);
        gradient.Max(MathF.Abs).Should().BeGreaterThan(1e-3f);
    }

    [Fact]
    public void Backward_Loss_IsTheMeanOverTokensNotOverSamples()
    {
        var few = Samples.Row(Samples.Random(1, 5, 2));
        var many = Samples.Row(Samples.Random(2, 5, 20));

        var (both, _) = _model.LossAndGradient([few, many]);

        var (fewLoss, _) = _model.LossAndGradient([few]);
        var (manyLoss, _) = _model.LossAndGradient([many]);
        both.Should().BeApproximately((2 * fewLoss + 20 * manyLoss) / 22, 1e-5f);
    }

    [Fact]
    public void LossAndHits_LabelsOfThePromptMasked_CountsTheAnswerOnly()
    {
        var sample = Samples.Random(1, 6, 3);
        var everything = new SupervisedExample(sample.InputIds, sample.InputIds);
        var promptOnly = new SupervisedExample(sample.InputIds, [.. sample.InputIds.Select((id, i) => i < 6 ? id : SupervisedEncoder.IgnoreIndex)]);

        // What the answer's labels contribute and what the prompt's would is everything there is.
        Loss(Samples.Row(sample)).Should().BeApproximately(Loss(Samples.Row(everything)) - Loss(Samples.Row(promptOnly)), 1e-4f);
        Samples.Row(sample).SupervisedTokens.Should().Be(3);
    }

    [Fact]
    public void LossAndHits_RowsOfDifferentLength_PaddingChangesNothing()
    {
        var shorter = Samples.Row(Samples.Random(1, 4, 3));
        var longer = Samples.Row(Samples.Random(2, 10, 20));
        Loss(shorter, longer).Should().BeApproximately(Loss(shorter) + Loss(longer), 1e-4f);
    }

    [Fact]
    public void Backward_PackedSamples_EqualThoseApart()
    {
        TrainingRow[] rows = [.. Enumerable.Range(0, 4).Select(i => Samples.Row(Samples.Random(i, 3 + i, 5)))];

        var (loss, gradient) = _model.LossAndGradient([.. rows.Select(row => new[] { row })]);
        var (packedLoss, packedGradient) = _model.LossAndGradient(rows);

        packedLoss.Should().BeApproximately(loss, 1e-5f);
        MaxDifference(packedGradient, gradient).Should().BeLessThan(1e-6f);
    }

    [Fact]
    public void Backward_OneOfThePackedSamplesChanged_LeavesTheOthersAlone()
    {
        var mute = Mute(Samples.Random(1, 8, 8));
        var other = Mute(Samples.Random(2, 8, 8));
        var sample = Samples.Random(3, 4, 6);

        // The changed sample has no label of its own, so the loss is the second's alone.
        var (loss, _) = _model.LossAndGradient([Samples.Row(mute), Samples.Row(sample)]);
        var (changed, _) = _model.LossAndGradient([Samples.Row(other), Samples.Row(sample)]);
        changed.Should().Be(loss);

        static SupervisedExample Mute(SupervisedExample s) => s with { Labels = [.. s.Labels.Select(_ => SupervisedEncoder.IgnoreIndex)] };
    }

    [Fact]
    public void Backward_ManySteps_LeavesNoTensorsBehind()
    {
        TrainingRow[] rows = [Samples.Row(Samples.Random(1, 4, 4)), Samples.Row(Samples.Random(2, 4, 4)), Samples.Row(Samples.Random(3, 4, 8))];
        using var optimizer = new AdamW(_model.Parameters, 0.1);
        void Step(int step)
        {
            using var scope = NewDisposeScope();
            _model.Parameters.Gradient.zero_();
            _model.Backward([rows, rows], step);
            optimizer.Step(step, 1e-3);
        }

        Step(1);
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var step = 2; step < 20; step++) Step(step);
        DisposeScopeManager.Statistics.ThreadTotalLiveCount.Should().Be(live);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Backward_FiveHundredSteps_KeepMemoryFlat()
    {
        const long allowedGrowth = 32 << 20;
        TrainingRow[] rows = [.. Enumerable.Range(0, 4).Select(i => Samples.Row(Samples.Random(i, 4 + 3 * i, 4 + 5 * i)))];
        using var optimizer = new AdamW(_model.Parameters, 0.1, true);
        void Step(int step)
        {
            using var scope = NewDisposeScope();
            _model.Parameters.Gradient.zero_();
            _model.Backward([rows, rows], step);
            optimizer.Step(step, 1e-3);
            _model.LossAndHits(rows);
        }

        for (var step = 1; step <= 50; step++) Step(step);
        var (live, memory) = (DisposeScopeManager.Statistics.ThreadTotalLiveCount, MemoryInUse());
        for (var step = 51; step <= 550; step++)
        {
            Step(step);
            DisposeScopeManager.Statistics.ThreadTotalLiveCount.Should().Be(live);
            if (step % 50 == 0) (MemoryInUse() - memory).Should().BeLessThan(allowedGrowth);
        }

        // Without garbage: a processor with a large cache lets a hundred megabytes of it gather before the first collection.
        static long MemoryInUse()
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
            return Environment.WorkingSet;
        }
    }

    [Fact]
    public void Backward_CancelledBetweenForwardPasses_EqualsAFreshStepWhenDoneAgain()
    {
        TrainingRow[] rows = [Samples.Row(Samples.Random(1, 4, 6)), Samples.Row(Samples.Random(2, 3, 5))];
        var (loss, gradient) = _model.LossAndGradient([rows[0]], [rows[1]]);
        using var cancellation = new CancellationTokenSource();

        _model.Parameters.Gradient.zero_();
        var run = () => _model.Backward(new CancellingBatches([[rows[0]], [rows[1]]], cancellation), 1, cancellation.Token);
        run.Should().Throw<OperationCanceledException>();
        _model.Parameters.Gradient.ToArray().Should().Contain(x => x != 0, "the first forward pass was made");

        var (again, gradientAgain) = _model.LossAndGradient([rows[0]], [rows[1]]);
        again.Should().Be(loss);
        gradientAgain.Should().Equal(gradient);
    }

    [Fact]
    public async Task LossAndHits_Rows_EqualWhatTheModelsLogitsGive()
    {
        using var folder = new TemporaryFolder();
        var request = TinyLlama.Fixture.Request(await TinyLlama.Fixture.ConvertAsync(folder)) with { LossChunk = 3 };
        using var trained = TrainedModels.Load(request);
        using var baseModel = HuggingFaceModel.Open(request.ModelNameOrPath);
        using var plain = LlamaModel.Load(baseModel, new LlamaModelOptions { Device = CPU });
        SupervisedExample[] samples = [.. Enumerable.Range(0, 12).Select(i => Samples.Random(i, 2 + i, 3 + 2 * i))];
        var (loss, hits) = (0.0, 0);
        using var noGrad = no_grad();
        foreach (var sample in samples)
        {
            using var scope = NewDisposeScope();
            long[] ids = [.. sample.InputIds.Select(id => (long)id)];
            var logits = plain.Logits(plain.ForwardHidden(tensor(ids).unsqueeze(0), plain.Surround(ids.Length)))[0].to(ScalarType.Float32);
            for (var t = 1; t < ids.Length; t++)
            {
                if (sample.Labels[t] == SupervisedEncoder.IgnoreIndex) continue;
                var scores = logits[t - 1].ToArray();
                var largest = scores.Max();
                loss += largest + Math.Log(scores.Sum(s => Math.Exp(s - largest))) - scores[sample.Labels[t]];
                if (Array.IndexOf(scores, largest) == sample.Labels[t]) hits++;
            }
        }

        using var sums = trained.LossAndHits([.. samples.Select(s => Samples.Row(s))]);
        sums[0].item<float>().Should().BeApproximately((float)loss, 1e-3f * (float)loss);
        sums[1].item<float>().Should().Be(hits);
    }

    [Fact]
    public void LossAndHits_SamplesLearntByHeart_AreAllHits()
    {
        TrainingRow[] rows = [Samples.Row(Samples.Random(1, 4, 6)), Samples.Row(Samples.Random(2, 3, 5))];
        using var optimizer = new AdamW(_model.Parameters, 0, true);
        Hits().Should().BeLessThan(11);
        for (var step = 1; step <= 60; step++)
        {
            using var scope = NewDisposeScope();
            _model.Parameters.Gradient.zero_();
            _model.Backward([rows], step);
            optimizer.Step(step, 2e-2);
        }

        Hits().Should().Be(11);

        float Hits()
        {
            using var scope = NewDisposeScope();
            return _model.LossAndHits(rows)[1].item<float>();
        }
    }

    [Theory]
    [InlineData(1, ActivationCheckpointing.None, true, false)]
    [InlineData(7, ActivationCheckpointing.None, true, true)]
    [InlineData(0, ActivationCheckpointing.Block, true, false)]
    [InlineData(5, ActivationCheckpointing.Block, true, true)]
    [InlineData(0, ActivationCheckpointing.None, false, true)]
    [InlineData(4, ActivationCheckpointing.Block, false, false)]
    public async Task Backward_InParts_EqualsTheWholeGraph(int lossChunk, ActivationCheckpointing checkpointing, bool labelOnlyLogits, bool packing)
    {
        using var folder = new TemporaryFolder();
        // Everything that can be trained, and dropout, whose masks must be the same when a layer runs again.
        var request = TinyLlama.Fixture.Request(await TinyLlama.Fixture.ConvertAsync(folder)) with
        {
            LoraDropout = 0.2, LoraTrainable = LlamaTensorNames.Projections, LoraInit = null, ModulesToSave = ["embed_tokens", "lm_head"],
        };
        TrainingRow[] rows = [Samples.Row(Samples.Random(1, 4, 6)), Samples.Row(Samples.Random(2, 3, 5)), Samples.Row(Samples.Random(3, 4, 12))];
        using var whole = WithUpdates(TrainedModels.Load(TinyLlama.Plain(request) with { Packing = packing }));
        using var parts = WithUpdates(TrainedModels.Load(request with { LossChunk = lossChunk, ActivationCheckpointing = checkpointing, LabelOnlyLogits = labelOnlyLogits, Packing = packing }));

        var (loss, gradient) = whole.LossAndGradient(rows, [Samples.Row(Samples.Random(4, 5, 5))]);
        var (partLoss, partGradient) = parts.LossAndGradient(rows, [Samples.Row(Samples.Random(4, 5, 5))]);

        partLoss.Should().BeApproximately(loss, 1e-5f);
        MaxDifference(partGradient, gradient).Should().BeLessThan(1e-5f);
        gradient.Max(MathF.Abs).Should().BeGreaterThan(1e-2f);
    }

    [Theory]
    [InlineData(0, ActivationCheckpointing.None)]
    [InlineData(3, ActivationCheckpointing.Block)]
    public async Task Backward_InParts_LeavesNoTensorsBehind(int lossChunk, ActivationCheckpointing checkpointing)
    {
        using var folder = new TemporaryFolder();
        var request = TinyLlama.Fixture.Request(await TinyLlama.Fixture.ConvertAsync(folder)) with { LoraDropout = 0.2, LossChunk = lossChunk, ActivationCheckpointing = checkpointing };
        using var model = TrainedModels.Load(request);
        model.LossAndGradient([Samples.Row(Samples.Random(1, 4, 8))]);
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (var step = 0; step < 5; step++) model.LossAndGradient([Samples.Row(Samples.Random(step, 4, 8))]);

        DisposeScopeManager.Statistics.ThreadTotalLiveCount.Should().Be(live);
    }

    [Fact]
    public async Task Dispose_TrainedModel_FreesEveryTensor()
    {
        using var folder = new TemporaryFolder();
        var request = TinyLlama.Fixture.Request(await TinyLlama.Fixture.ConvertAsync(folder));
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var model = TrainedModels.Load(request))
        {
            DisposeScopeManager.Statistics.ThreadTotalLiveCount.Should().BeGreaterThan(live);
            model.LossAndGradient([Samples.Row(Samples.Random(1, 4, 4))]);
        }

        DisposeScopeManager.Statistics.ThreadTotalLiveCount.Should().Be(live);
    }

    // B is 0 at the start, which would hide mistakes in A's gradient.
    private static TrainedModel WithUpdates(TrainedModel model)
    {
        using var noGrad = no_grad();
        using var generator = new Generator(1, CPU);
        foreach (var trained in model.Parameters.Parameters.Where(p => p.Name.Contains("lora_B", StringComparison.Ordinal))) trained.Parameter.normal_(0, 0.1, generator);
        return model;
    }

    private float Loss(params TrainingRow[] rows)
    {
        using var sums = _model.LossAndHits(rows);
        return sums[0].item<float>();
    }

    /// <summary>Asks for the end when the second of its forward passes is about to begin.</summary>
    private sealed class CancellingBatches(IReadOnlyList<IReadOnlyList<TrainingRow>> batches, CancellationTokenSource cancellation) : IReadOnlyList<IReadOnlyList<TrainingRow>>
    {
        private int _enumerations;

        public int Count => batches.Count;

        public IReadOnlyList<TrainingRow> this[int index] => batches[index];

        public IEnumerator<IReadOnlyList<TrainingRow>> GetEnumerator()
        {
            // The first time around, the supervised tokens are counted.
            var isSecond = ++_enumerations == 2;
            for (var i = 0; i < batches.Count; i++)
            {
                if (isSecond && i == 1) cancellation.Cancel();
                yield return batches[i];
            }
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private static float MaxDifference(float[] a, float[] b) => a.Zip(b, (x, y) => MathF.Abs(x - y)).Max();
}
