using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama.Tests;

/// <summary>The kernels against what TorchSharp's operators compute, forward and back.</summary>
public sealed class FusedKernelsTests
{
    private static readonly Generator Random = new(11, CPU);

    [Fact]
    public void AreAvailable_ThisLibtorch_Yes() => FusedKernels.AreAvailable.Should().BeTrue("the libtorch that the project pins is 2.10");

    [Fact]
    public void RmsNorm_RandomInput_EqualsTheComposition()
    {
        using var scope = NewDisposeScope();
        var weight = randn([16], generator: Random);
        ShouldAgree(
            x => FusedKernels.RmsNorm(x[0], weight, 1e-5),
            x => weight * (x[0] * rsqrt(x[0].square().mean([-1], keepdim: true) + 1e-5)),
            [[2, 5, 16]]);
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(4, 1)]
    [InlineData(4, 4)]
    public void CausalAttention_GroupedHeads_EqualsAttentionWithCopiedHeads(int heads, int keyValueHeads)
    {
        using var scope = NewDisposeScope();
        ShouldAgree(
            x => FusedKernels.CausalAttention(x[0], x[1], x[2]),
            x => functional.scaled_dot_product_attention(x[0], x[1].repeat_interleave(heads / keyValueHeads, 1), x[2].repeat_interleave(heads / keyValueHeads, 1), is_casual: true),
            [[2, heads, 7, 8], [2, keyValueHeads, 7, 8], [2, keyValueHeads, 7, 8]]);
    }

    [Fact]
    public void Calls_Many_LeaveNoMemoryBehind()
    {
        using var scope = NewDisposeScope();
        var x = randn([256, 256], generator: Random);
        var weight = ones(256);
        for (var i = 0; i < 200; i++) FusedKernels.RmsNorm(x, weight, 1e-5).Dispose();
        var before = Environment.WorkingSet;

        for (var i = 0; i < 4000; i++) FusedKernels.RmsNorm(x, weight, 1e-5).Dispose();

        // 4,000 results that nobody freed would be 1 GB.
        (Environment.WorkingSet - before).Should().BeLessThan(200L << 20);
    }

    // Values and gradients, for a weighted sum of the result.
    private static void ShouldAgree(Func<Tensor[], Tensor> fused, Func<Tensor[], Tensor> composed, long[][] shapes)
    {
        Tensor[] values = [.. shapes.Select(shape => randn(shape, generator: Random))];
        var (actual, actualGradients) = Run(fused);
        var (expected, expectedGradients) = Run(composed);
        TinyModels.MaxDifference(actual, expected).Should().BeLessThan(1e-5f);
        for (var i = 0; i < shapes.Length; i++) TinyModels.MaxDifference(actualGradients[i], expectedGradients[i]).Should().BeLessThan(1e-5f);

        (Tensor, Tensor[]) Run(Func<Tensor[], Tensor> function)
        {
            Parameter[] inputs = [.. values.Select(value => new Parameter(value.clone()))];
            var y = function([.. inputs]);
            (y * linspace(-1, 1, y.numel()).view(y.shape)).sum().backward();
            return (y, [.. inputs.Select(input => input.grad!)]);
        }
    }
}
