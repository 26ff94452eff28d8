using Alpaca.Abstractions;

namespace Alpaca.Training.Tests;

public sealed class LearningRateTests
{
    [Theory]
    [InlineData(LearningRateSchedule.Cosine, 0, 0)]
    [InlineData(LearningRateSchedule.Cosine, 5, 0.5)]
    [InlineData(LearningRateSchedule.Cosine, 10, 1)]
    [InlineData(LearningRateSchedule.Cosine, 55, 0.5)]
    [InlineData(LearningRateSchedule.Cosine, 100, 0)]
    [InlineData(LearningRateSchedule.Linear, 10, 1)]
    [InlineData(LearningRateSchedule.Linear, 55, 0.5)]
    [InlineData(LearningRateSchedule.Linear, 91, 0.1)]
    [InlineData(LearningRateSchedule.Linear, 100, 0)]
    [InlineData(LearningRateSchedule.Constant, 5, 0.5)]
    [InlineData(LearningRateSchedule.Constant, 99, 1)]
    public void At_TenWarmupStepsOfHundred_IsTheShareOfThePeak(LearningRateSchedule shape, int step, double share)
        => new LearningRate(2e-4, 10, 100, shape).At(step).Should().BeApproximately(2e-4 * share, 1e-12);

    // Logged by transformers in Chinese-LLaMA-Alpaca's notebooks (T = 100, warm-up 5 and 3).
    [Theory]
    [InlineData(2e-4, 5, 15, 0.00019458172417006347)]
    [InlineData(1e-4, 3, 7, 9.958100506132127e-05)]
    public void At_StepsOfThePublishedRuns_EqualsTransformers(double peak, int warmup, int step, double expected)
        => new LearningRate(peak, warmup, 100, LearningRateSchedule.Cosine).At(step).Should().BeApproximately(expected, 1e-18);

    [Fact]
    public void At_NoWarmup_StartsAtThePeak() => new LearningRate(1, 0, 10, LearningRateSchedule.Cosine).At(0).Should().Be(1);

    [Fact]
    public void At_WarmupLongerThanTheRun_StillRises() => new LearningRate(1, 20, 10, LearningRateSchedule.Linear).At(9).Should().Be(0.45);
}
