using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Training.Tests;

public sealed class LoraLinearTests
{
    [Fact]
    public void Forward_WithZeroB_IsTheFrozenLayer()
    {
        using var scope = NewDisposeScope();
        using var dropout = new LoraDropout(0.5, 1);
        using var layer = Create(dropout);
        using (no_grad()) layer.B.zero_();
        var x = randn(2, 3, 8);
        layer.call(x).sub(functional.linear(x, layer.Weight)).abs().max().item<float>().Should().Be(0);
    }

    [Fact]
    public void Forward_HandPlacedMatrices_AddsTheScaledProduct()
    {
        using var scope = NewDisposeScope();
        using var dropout = new LoraDropout(0, 1);
        using var layer = new LoraLinear("q_proj", zeros(4, 3), 2, 2.5, dropout);
        using (no_grad())
        {
            layer.A[0, 2] = 3f; // the third input,
            layer.B[1, 0] = 7f; // to the second output, times 7 · 3 · 2.5
        }

        layer.call(tensor(new[] { 10f, 20f, 2f })).ToArray().Should().Equal(0, 105, 0, 0);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Forward_HalfPrecisionBase_KeepsTheTypeAndTrainsInFloat32(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var dropout = new LoraDropout(0, 1);
        using var layer = new LoraLinear("q_proj", randn(4, 8).to(type), 2, 1, dropout);
        var y = layer.call(randn(3, 8).to(type));
        y.dtype.Should().Be(type);
        y.to(ScalarType.Float32).sum().backward();
        layer.B.grad!.dtype.Should().Be(ScalarType.Float32);
    }

    [Fact]
    public void Dropout_SameStep_DropsTheSameInputs()
    {
        using var scope = NewDisposeScope();
        using var dropout = new LoraDropout(0.25, 7);
        var x = ones(101, 101); // no multiple of what one random number decides about
        dropout.BeginStep(3);
        var first = dropout.Apply(x).clone();
        dropout.BeginStep(4);
        var other = dropout.Apply(x).clone();
        dropout.BeginStep(3);
        dropout.Apply(x).Equals(first).Should().BeTrue();
        other.Equals(first).Should().BeFalse();
        first.eq(0).to(ScalarType.Float32).mean().item<float>().Should().BeApproximately(0.25f, 0.02f);
        first.mul(dropout.Scale).mean().item<float>().Should().BeApproximately(1, 0.02f);
        dropout.EndStep();
        dropout.Apply(x).Equals(x).Should().BeTrue();
    }

    [Fact]
    public void Dropout_SameInputAgain_HasTheSameMaskAndAnotherInputAnother()
    {
        using var scope = NewDisposeScope();
        using var dropout = new LoraDropout(0.5, 7);
        Tensor x = ones(50, 50), y = ones(50, 50);
        dropout.BeginStep(1);
        var first = dropout.Apply(x).clone();
        dropout.Apply(x).Equals(first).Should().BeTrue();
        dropout.Drawn.Should().Be(1);
        dropout.Apply(y).Equals(first).Should().BeFalse();
        dropout.Drawn = 0;
        dropout.Apply(x).Equals(first).Should().BeTrue("the first mask is drawn again");
    }

    private static LoraLinear Create(LoraDropout dropout)
    {
        var layer = new LoraLinear("q_proj", randn(4, 8), 2, 2, dropout);
        using var noGrad = no_grad();
        layer.A.normal_();
        layer.B.normal_();
        return layer;
    }
}
