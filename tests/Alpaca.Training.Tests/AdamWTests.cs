using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Alpaca.Training.Tests;

public sealed class AdamWTests
{
    [Theory]
    [InlineData(0.0, true)]
    [InlineData(0.1, true)]
    [InlineData(0.0, false)]
    [InlineData(0.1, false)]
    public void Step_SeveralSteps_EqualsTorch(double weightDecay, bool fused)
    {
        using var scope = NewDisposeScope();
        // More elements than one block of the update.
        long[][] shapes = [[600, 500], [3], [7, 5]];
        var start = shapes.Select((shape, i) => randn(shape, generator: new Generator((ulong)i + 1))).ToList();
        var mine = start.Select((tensor, i) => new TrainedParameter($"p{i}", new Parameter(tensor.clone()))).ToList();
        var torchs = start.Select(tensor => new Parameter(tensor.clone())).ToList();
        using var vector = new ParameterVector(mine);
        using var optimizer = new AdamW(vector, weightDecay, fused);
        using var reference = optim.AdamW(torchs, lr: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: weightDecay);

        for (var step = 1; step <= 5; step++)
        {
            vector.Gradient.zero_();
            reference.zero_grad();
            for (var i = 0; i < shapes.Length; i++)
            {
                mine[i].Parameter.pow(3).sum().backward();
                torchs[i].pow(3).sum().backward();
            }

            foreach (var group in reference.ParamGroups) group.LearningRate = 1e-2 * step;
            optimizer.Step(step, 1e-2 * step);
            reference.step();
        }

        for (var i = 0; i < shapes.Length; i++)
        {
            mine[i].Parameter.sub(start[i]).abs().max().item<float>().Should().BeGreaterThan(0.01f);
            mine[i].Parameter.sub(torchs[i]).abs().max().item<float>().Should().BeLessThan(1e-5f);
        }
    }

    [Fact]
    public void Step_LearningRateRatio_IsThatOfEachParameter()
    {
        using var scope = NewDisposeScope();
        // Gaps between the slices, and a change of the ratio there and back.
        double[] ratios = [1, 1, 16, 0.5, 1];
        var start = ratios.Select((_, i) => randn([3 + i, 5], generator: new Generator((ulong)i + 1))).ToList();
        var together = start.Select((tensor, i) => new TrainedParameter($"p{i}", new Parameter(tensor.clone()), ratios[i])).ToList();
        using var vector = new ParameterVector(together);
        using var optimizer = new AdamW(vector, 0.1);
        vector.Ranges.Select(range => range.LearningRateRatio).Should().Equal(1, 16, 0.5, 1);
        StepTwice(together, vector, optimizer, 1e-2);

        for (var i = 0; i < ratios.Length; i++)
        {
            var alone = new[] { new TrainedParameter("p", new Parameter(start[i].clone())) };
            using var own = new ParameterVector(alone);
            using var ownOptimizer = new AdamW(own, 0.1);
            StepTwice(alone, own, ownOptimizer, 1e-2 * ratios[i]);
            together[i].Parameter.sub(alone[0].Parameter).abs().max().item<float>().Should().Be(0);
        }

        static void StepTwice(IReadOnlyList<TrainedParameter> parameters, ParameterVector vector, AdamW optimizer, double learningRate)
        {
            for (var step = 1; step <= 2; step++)
            {
                vector.Gradient.zero_();
                foreach (var parameter in parameters) parameter.Parameter.pow(3).sum().backward();
                optimizer.Step(step, learningRate);
            }
        }
    }
}
