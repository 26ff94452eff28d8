using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Alpaca.Training.Tests;

public sealed class AdamWTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.1)]
    public void Step_SeveralSteps_EqualsTorch(double weightDecay)
    {
        using var scope = NewDisposeScope();
        // More elements than one block of the update.
        long[][] shapes = [[600, 500], [3], [7, 5]];
        var start = shapes.Select((shape, i) => randn(shape, generator: new Generator((ulong)i + 1))).ToList();
        var mine = start.Select((tensor, i) => new TrainedParameter($"p{i}", new Parameter(tensor.clone()))).ToList();
        var torchs = start.Select(tensor => new Parameter(tensor.clone())).ToList();
        using var vector = new ParameterVector(mine);
        using var optimizer = new AdamW(vector, weightDecay);
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
}
