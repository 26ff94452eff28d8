using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace Alpaca.Training.Tests;

public sealed class MemoryEstimateTests
{
    private static readonly LlamaConfig Model = new()
    {
        HiddenSize = 64, IntermediateSize = 160, NumHiddenLayers = 3, NumAttentionHeads = 4, NumKeyValueHeads = 2, VocabSize = 1000,
    };

    private static readonly TrainRequest Request = new() { LoraTrainable = ["all-linear"], ModulesToSave = ["embed_tokens", "lm_head"], LossChunk = 10 };

    [Theory]
    [InlineData(TrainableRows.All, Precision.Fp32)]
    [InlineData(TrainableRows.All, Precision.Bf16)]
    [InlineData(TrainableRows.New, Precision.Bf16)]
    public async Task Of_Model_CountsItsParametersToTheByte(TrainableRows rows, Precision precision)
    {
        using var folder = new TemporaryFolder();
        var request = TinyLlama.Fixture.Request(await TinyLlama.Fixture.ConvertAsync(folder)) with { TrainableRows = rows, Precision = precision };
        using var model = TrainedModels.Load(request, 540);
        using var files = HuggingFaceModel.Open(request.ModelNameOrPath);

        var estimate = MemoryEstimate.Of(request, files.Config, 540, LoraSettings.New(request), new LargestPass(1, 1));

        estimate.Frozen.Should().Be(model.FrozenBytes);
        var largest = model.Parameters.Parameters.Max(p => p.Parameter.numel());
        estimate.Trained.Should().Be(4 * ((4 * model.Parameters.Count) + largest));
    }

    [Fact]
    public void Of_LargerPass_GrowsByItsTokens()
    {
        var (one, two) = (Estimate(Request, new(100, 20)), Estimate(Request, new(200, 40)));
        two.Activations.Should().Be(2 * one.Activations);
        (two.Trained, two.Frozen, two.Scores).Should().Be((one.Trained, one.Frozen, one.Scores));
    }

    [Fact]
    public void Of_EachThingThatSavesMemory_IsLess()
    {
        var pass = new LargestPass(500, 200);
        var estimate = Estimate(Request, pass);
        Estimate(Request with { ActivationCheckpointing = ActivationCheckpointing.Block }, pass).Activations.Should().BeLessThan(estimate.Activations * 2 / 3);
        Estimate(Request with { LossChunk = 5 }, pass).Scores.Should().Be(estimate.Scores / 2);
        Estimate(Request with { LossChunk = 0 }, pass).Scores.Should().Be(estimate.Scores * 20);
        Estimate(Request with { TrainableRows = TrainableRows.New }, pass).Trained.Should().BeLessThan(estimate.Trained / 2);
        Estimate(Request with { Precision = Precision.Bf16 }, pass).Frozen.Should().BeLessThan(estimate.Frozen);
    }

    [Fact]
    public void LargestPass_Rows_CountsPaddingWhereThereIsAny()
    {
        TrainingRow[] rows = [Samples.Row(Samples.Random(1, 5, 6)), Samples.Row(Samples.Random(2, 10, 21)), Samples.Row(Samples.Random(3, 4, 4))];
        LargestPass.Of(new TrainRequest { BatchSize = 2 }, rows).Should().Be(new LargestPass(10 + 30, 6 + 21));
        LargestPass.Of(new TrainRequest { BatchSize = 2, Packing = false, LabelOnlyLogits = false }, rows).Should().Be(new LargestPass(60, 60));
    }

    [Fact]
    public void Announce_MoreThanThereIs_NamesWhatToChangeInOrder()
    {
        var logger = new RecordingLogger();
        var estimate = Estimate(Request, new(1L << 40, 1));
        new MemoryShortage(estimate, Request with { BatchSize = 8 }, hasNewRows: true, CPU).Announce(logger);
        logger.Entries.Should().Contain(e => e.Level == LogLevel.Information && e.Message.StartsWith("Memory needed, estimated: ", StringComparison.Ordinal));
        logger.Warnings.Should().ContainSingle().Which.Should().Match("*lower BatchSize or MaxSeqLength, then set ActivationCheckpointing to block, then set Precision to bf16, then set TrainableRows to new");
    }

    [Fact]
    public void Announce_LessThanThereIs_DoesNotWarn()
    {
        var logger = new RecordingLogger();
        new MemoryShortage(Estimate(Request, new(10, 5)), Request, hasNewRows: true, CPU).Announce(logger);
        logger.Warnings.Should().BeEmpty();
        logger.Entries.Should().ContainSingle().Which.Message.Should().MatchRegex(@"available on cpu: [0-9.]+ GiB$");
    }

    [Fact]
    public async Task ExecuteAsync_AllocationThatFails_SaysWhatToLowerAndLeavesTheCheckpoints()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { BatchSize = 2, SaveSteps = 3 };
        var context = new StageContext
        {
            OutputFolder = folder.Combine("out"), ResumeFolder = folder.Resume, Logger = folder.Logger, Progress = new AllocatingProgress(5),
        };
        Directory.CreateDirectory(context.OutputFolder);
        Directory.CreateDirectory(context.ResumeFolder);

        var run = () => new LoraTrainer().ExecuteAsync(request, context);

        (await run.Should().ThrowAsync<AlpacaException>()).WithMessage("There is not enough memory on cpu for training, which needs about * GiB (frozen weights *: lower BatchSize or MaxSeqLength, then *; the last checkpoint is left as it is.");
        Directory.GetDirectories(folder.Resume).Select(Path.GetFileName).Should().Equal("checkpoint-3");
    }

    private static MemoryEstimate Estimate(TrainRequest request, LargestPass pass) => MemoryEstimate.Of(request, Model, 1200, LoraSettings.New(request), pass);

    /// <summary>A progress that asks libtorch for a pebibyte once a number of steps is done.</summary>
    private sealed class AllocatingProgress(int step) : IStageProgress
    {
        public IProgressTask Start(string description, double? total, ProgressUnit unit) => unit == ProgressUnit.Steps ? new StepTask(step) : NullProgress.Instance;

        private sealed class StepTask(int step) : IProgressTask
        {
            public void Report(double done)
            {
                if (done >= step) empty(1L << 50, dtype: ScalarType.Byte).Dispose();
            }

            public void SetTotal(double total) { }

            public void SetStatus(string status) { }

            public void Dispose() { }
        }
    }
}
