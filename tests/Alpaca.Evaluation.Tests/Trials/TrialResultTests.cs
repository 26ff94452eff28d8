namespace Alpaca.Evaluation.Tests.Trials;

public sealed class TrialResultTests
{
    private static readonly TrialResult Model = new("Torch", [[1, 2, 3], [], [4, 5]], [[-1f, -2f], [-3f]]);

    [Fact]
    public void DifferenceFrom_Itself_IsZero()
    {
        Model.DifferenceFrom(Model).Should().Be(0);
        Model.AgreementWith(Model).Should().Be(1);
    }

    [Fact]
    public void DifferenceFrom_Another_IsTheLargest()
        => Model.DifferenceFrom(Model with { LogProbabilities = [[-1.25f, -2f], [-2.5f]] }).Should().Be(0.5);

    [Fact]
    public void MeanDifferenceFrom_Another_CountsBothDirections()
    {
        Model.MeanDifferenceFrom(Model with { LogProbabilities = [[-0.5f, -3f], [-3f]] }).Should().Be(0.5);
        (Model with { LogProbabilities = [] }).MeanDifferenceFrom(Model with { LogProbabilities = [] }).Should().Be(0);
    }

    [Fact]
    public void DifferenceFrom_NoNumber_IsNoNumber()
        => Model.DifferenceFrom(Model with { LogProbabilities = [[-9f, float.NaN], [-2.5f]] }).Should().Be(double.NaN);

    [Theory]
    [InlineData(new[] { 1, 2, 3 }, 8)]
    [InlineData(new[] { 1, 2, 9 }, 6)] // of 8 tokens, 3 of them ends, the last of this answer and its end differ
    [InlineData(new[] { 9, 2, 3 }, 4)]
    [InlineData(new[] { 1, 2 }, 6)]
    public void AgreementWith_AnotherAnswer_CountsTokensUpToTheFirstThatDiffers(int[] answer, int equal)
        => (Model with { Answers = [answer, [], [4, 5]] }).AgreementWith(Model).Should().BeApproximately(equal / 8.0, 1e-12);
}
