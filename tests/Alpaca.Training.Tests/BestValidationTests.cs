using Alpaca.Abstractions;

namespace Alpaca.Training.Tests;

public sealed class BestValidationTests
{
    [Fact]
    public void Add_LossesThatFallThenRise_RemembersTheLowestAndCountsSince()
    {
        var best = Add(0, (10, 3.0), (20, 2.0), (30, 2.5), (40, 2.25));
        (best.Step, best.Loss, best.WithoutImprovement).Should().Be((20, 2.0, 2));
    }

    [Fact]
    public void Add_LowerByLessThanTheThreshold_IsTheBestButNoImprovement()
    {
        var best = Add(0.5, (10, 3.0), (20, 2.75), (30, 2.25));
        (best.Step, best.Loss, best.WithoutImprovement).Should().Be((30, 2.25, 0));
        Add(0.5, (10, 3.0), (20, 2.75)).Should().Be(new BestValidation { Step = 20, Loss = 2.75, WithoutImprovement = 1 });
    }

    [Fact]
    public void Add_TheSameLossAgain_IsNoImprovement()
        => Add(0, (10, 3.0), (20, 3.0)).Should().Be(new BestValidation { Step = 10, Loss = 3.0, WithoutImprovement = 1 });

    [Fact]
    public async Task ExecuteAsync_NoImprovementAsLongAsThePatience_Stops()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var artifact = await folder.ExecuteAsync(folder.Request() with { EvalSteps = 2, EarlyStoppingPatience = 2, EarlyStoppingThreshold = 1000 });

        artifact.Steps.Should().Be(6);
        var best = LogLines.Validations(folder.Combine("out")).Where(v => v["step"] > 0).MinBy(v => v["evalLoss"])!;
        artifact.Metrics["outputStep"].Should().Be(best["step"]);
        artifact.Metrics["evalLoss"].Should().Be(best["evalLoss"]);
        File.ReadAllText(folder.Combine("out/report.md")).Should().Contain("6 of 10 optimizer steps, stopped early: 2 validations in a row were no better.");
    }

    [Fact]
    public async Task ExecuteAsync_LoadBestModelAtEndOfALossThatRises_EndsWithTheLowestWhateverTheLimit()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { EvalSteps = 1, SaveSteps = 1, SaveTotalLimit = 1, LoadBestModelAtEnd = true, LearningRate = 0.3, WarmupSteps = 0, LrScheduler = LearningRateSchedule.Constant };
        var artifact = await folder.ExecuteAsync(request);

        var best = LogLines.Validations(folder.Combine("out")).Where(v => v["step"] > 0).MinBy(v => v["evalLoss"])!["step"];
        best.Should().BeLessThan(10);
        artifact.Metrics["outputStep"].Should().Be(best);
        artifact.Steps.Should().Be(10);
        Directory.GetDirectories(folder.Resume).Select(Path.GetFileName).Should().BeEquivalentTo($"checkpoint-{best}", "checkpoint-10");
        File.ReadAllBytes(folder.Combine("out/adapter_model.safetensors")).Should().Equal(File.ReadAllBytes(Path.Combine(folder.Resume, $"checkpoint-{best}", "adapter_model.safetensors")));
    }

    [Fact]
    public async Task ExecuteAsync_EarlyStoppingWithoutValidation_IsAUsageError()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { ValidationFile = null };
        await ShouldFailAsync(request with { EarlyStoppingPatience = 1 }, "EarlyStoppingPatience goes by the validation loss*give a ValidationFile*");
        await ShouldFailAsync(request with { LoadBestModelAtEnd = true }, "LoadBestModelAtEnd goes by the validation loss*");
        await ShouldFailAsync(folder.Request() with { EarlyStoppingPatience = 1, EvalSteps = 0 }, "EvalSteps 0 validates only at the end*");

        async Task ShouldFailAsync(TrainRequest wrong, string message)
            => (await FluentActions.Awaiting(() => folder.ExecuteAsync(wrong)).Should().ThrowAsync<AlpacaUsageException>()).WithMessage(message);
    }

    private static BestValidation Add(double threshold, params (int Step, double Loss)[] validations)
        => validations.Aggregate(new BestValidation(), (best, v) => best.Add(v.Step, v.Loss, threshold));
}
