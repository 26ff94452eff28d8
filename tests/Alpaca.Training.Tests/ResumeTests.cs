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
        folder.Logger.Warnings.Should().Contain(w => w.Contains("other options or inputs", StringComparison.Ordinal));
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
