using Alpaca.Text;

namespace Alpaca.Evaluation.Tests;

public sealed class SupervisedBatchTests
{
    [Fact]
    public void Of_SamplesOfTwoLengths_PadsOnTheRightAndPointsOnePlaceBefore()
    {
        var batch = SupervisedBatch.Of(
        [
            new SupervisedExample([1, 10, 11, 12], [-100, -100, 11, 12]),
            new SupervisedExample([1, 20], [-100, 20]),
        ]);

        batch.InputIds.Should().BeEquivalentTo(new long[,] { { 1, 10, 11, 12 }, { 1, 20, 0, 0 } });
        batch.Positions.Should().Equal(1, 2, 4); // in rows of four: the places whose next token is an answer token
        batch.Labels.Should().Equal(11, 12, 20);
    }

    [Fact]
    public void Of_LabelAtTheFirstPlace_HasNothingToBePredictedFrom()
    {
        SupervisedBatch.Of([new SupervisedExample([5, 6], [5, 6])]).Labels.Should().Equal(6);
    }
}
