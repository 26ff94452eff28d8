using static TorchSharp.torch;

namespace Alpaca.Evaluation.Tests;

public sealed class SupervisedTallyTests
{
    [Fact]
    public void Add_HandMadeLogits_SumsLossAndHits()
    {
        using var scope = NewDisposeScope();
        var tally = new SupervisedTally();
        // Softmax of (ln 2, 0, 0) is (1/2, 1/4, 1/4).
        var logits = tensor(new[,] { { MathF.Log(2), 0f, 0f }, { 0f, MathF.Log(2), 0f } });

        tally.Add(logits, tensor(new long[] { 0, 2 }));
        tally.Add(logits.narrow(0, 0, 1), tensor(new long[] { 0 }));

        tally.Tokens.Should().Be(3);
        tally.MeanLoss.Should().BeApproximately((Math.Log(2) + Math.Log(4) + Math.Log(2)) / 3, 1e-6);
        tally.Accuracy.Should().BeApproximately(2.0 / 3, 1e-9);
    }
}
