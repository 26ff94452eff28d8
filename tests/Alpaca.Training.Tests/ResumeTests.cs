using Alpaca.Abstractions;

namespace Alpaca.Training.Tests;

public sealed class ResumeTests
{
    [Fact]
    public async Task ExecuteAsync_CancelledAndStartedAgain_EqualsAStraightRunBitForBit()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var straight = await folder.TrainAsync(folder.Request(), "straight");
        folder.DeleteCheckpoints();

        await CancelAsync(folder, folder.Request(), 7);
        Checkpoints(folder).Should().Equal("checkpoint-3", "checkpoint-6", "checkpoint-7");
        var resumed = await folder.TrainAsync(folder.Request(), "resumed");

        ShouldBeEqual(resumed, straight);
        folder.Logger.Entries.Should().Contain(e => e.Message.Contains("Going on from", StringComparison.Ordinal) && e.Message.Contains("checkpoint-7", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ExecuteAsync_CancelledAfterAnyStep_EqualsAStraightRunBitForBit()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { Packing = true, EvalSteps = 2, EarlyStoppingPatience = 50 };
        var straight = await folder.TrainAsync(request, "straight");
        for (var step = 0; step < 10; step++)
        {
            folder.DeleteCheckpoints();
            await CancelAsync(folder, request, step);
            ShouldBeEqual(await folder.TrainAsync(request, $"resumed{step}"), straight);
        }
    }

    [Fact]
    public async Task ExecuteAsync_OptionsThatOnlyBearOnWhatIsWrittenChanged_GoesOn()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await CancelAsync(folder, folder.Request(), 7);

        await folder.TrainAsync(folder.Request() with { SaveSteps = 5, SaveTotalLimit = 1, LoggingSteps = 2 }, "resumed");

        folder.Logger.Entries.Should().Contain(e => e.Message.Contains("Going on from", StringComparison.Ordinal) && e.Message.Contains("checkpoint-7", StringComparison.Ordinal));
        folder.Logger.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task ExecuteAsync_WithoutResume_DeletesTheCheckpointsAndStartsAnew()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { TrainingSteps = 5, SaveSteps = 0 };
        await CancelAsync(folder, request, 4);

        await folder.TrainAsync(request with { Resume = false }, "anew");

        Checkpoints(folder).Should().BeEmpty();
        folder.Logger.Entries.Should().NotContain(e => e.Message.Contains("Going on from", StringComparison.Ordinal));
    }

    [TmpfsFact]
    public async Task ExecuteAsync_DiskFullAtASecondCheckpoint_KeepsTheFirstAndSaysWhatToDo()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var straight = await folder.TrainAsync(folder.Request(), "straight");
        folder.DeleteCheckpoints();
        Directory.CreateDirectory(folder.Resume);
        using (var disk = new SmallDisk(folder.Resume, "640k"))
        {
            var run = () => folder.TrainAsync(folder.Request(), "full");
            (await run.Should().ThrowAsync<AlpacaException>()).WithMessage("The checkpoint after step 6 cannot be written to *; the one after step 3 is kept and is where the next run goes on; free space on that disk*");
            Checkpoints(folder).Should().Equal("checkpoint-3");

            disk.Resize("16m");
            ShouldBeEqual(await folder.TrainAsync(folder.Request(), "resumed"), straight);
        }
    }

    [Fact]
    public async Task ExecuteAsync_NewestCheckpointDamaged_GoesOnFromTheOneBefore()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var straight = await folder.TrainAsync(folder.Request(), "straight");
        folder.DeleteCheckpoints();
        await CancelAsync(folder, folder.Request(), 7);
        var damaged = Path.Combine(folder.Resume, "checkpoint-7", "optimizer.safetensors");
        await File.WriteAllBytesAsync(damaged, (await File.ReadAllBytesAsync(damaged))[..1000]);
        // A checkpoint that was being written when the power failed.
        Directory.CreateDirectory(Path.Combine(folder.Resume, "checkpoint-8.tmp"));

        var resumed = await folder.TrainAsync(folder.Request(), "resumed");

        ShouldBeEqual(resumed, straight);
        folder.Logger.Warnings.Should().ContainSingle(w => w.Contains("checkpoint-7", StringComparison.Ordinal));
        Checkpoints(folder).Should().NotContain("checkpoint-8.tmp");
    }

    [Fact]
    public async Task ExecuteAsync_CheckpointOfOtherOptionsOrData_StartsFromTheBeginning()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var other = folder.Request() with { LearningRate = 2e-3 };
        await CancelAsync(folder, other, 5);

        var output = await folder.TrainAsync(folder.Request(), "second");

        folder.DeleteCheckpoints();
        ShouldBeEqual(output, await folder.TrainAsync(folder.Request(), "straight"));
        folder.Logger.Warnings.Should().Contain(w => w.Contains("other options or inputs: LearningRate was 0.002 and is 0.001.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ExecuteAsync_CancelledWithoutSaveSteps_StillLeavesACheckpoint()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await CancelAsync(folder, folder.Request() with { SaveSteps = 0 }, 2);
        Checkpoints(folder).Should().Equal("checkpoint-2");
    }

    [Fact]
    public async Task ExecuteAsync_SaveTotalLimit_KeepsTheNewest()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await folder.TrainAsync(folder.Request() with { SaveSteps = 2, SaveTotalLimit = 2 }, "out");
        Checkpoints(folder).Should().Equal("checkpoint-10", "checkpoint-8");
    }

    [Fact]
    public async Task ExecuteAsync_KilledAfterTheLastCheckpoint_OnlyWritesTheAdapter()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { SaveSteps = 10 };
        var straight = await folder.TrainAsync(request, "straight");
        ShouldBeEqual(await folder.TrainAsync(request, "again"), straight);
    }

    private static async Task CancelAsync(TrainingFolder folder, TrainRequest request, int step)
    {
        using var cancellation = new CancelAtStep(step);
        var run = () => folder.TrainAsync(request, "cancelled", cancellation);
        await run.Should().ThrowAsync<OperationCanceledException>();
        File.Exists(folder.Combine("cancelled/adapter_model.safetensors")).Should().BeFalse();
    }

    private static IEnumerable<string?> Checkpoints(TrainingFolder folder)
        => Directory.GetDirectories(folder.Resume).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private static void ShouldBeEqual(string actual, string expected)
    {
        File.ReadAllBytes(Path.Combine(actual, "adapter_model.safetensors")).Should().Equal(File.ReadAllBytes(Path.Combine(expected, "adapter_model.safetensors")));
        Comparable(actual).Should().Equal(Comparable(expected));

        static IEnumerable<string> Comparable(string folder) => LogLines.Read(folder)
            .Select(line => string.Join(',', line.Where(field => field.Key != "tokensPerSecond").Select(field => $"{field.Key}={field.Value:R}")));
    }
}
