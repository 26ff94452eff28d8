using Alpaca.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>AdamW with PyTorch's arithmetic and defaults: beta1 0.9, beta2 0.999, eps 1e-8, bias correction, decoupled weight decay (Loshchilov and Hutter, 2019).</summary>
/// <remarks>
/// <para>p = p (1 - lr wd); m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g²; p = p - lr / (1 - b1^t) · m / (sqrt(v) / sqrt(1 - b2^t) + eps).</para>
/// <para>Everything that LoRA and <c>modules_to_save</c> train is a matrix, so the weight decay applies to all of it; there are no biases or norms to exempt.</para>
/// </remarks>
internal sealed class AdamW : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;

    // On the CPU the update is limited by memory bandwidth: in blocks of 1 MB the seven passes over a block find it in the cache.
    private const long CpuBlock = 1 << 18;
    private const long DeviceBlock = 1 << 26;

    private readonly ParameterVector _parameters;
    private readonly double _weightDecay;
    private readonly long _block;
    private readonly bool _fused;

    /// <summary>Starts with moments of 0.</summary>
    /// <param name="parameters">What is updated.</param>
    /// <param name="weightDecay">The decoupled weight decay; 0 for none.</param>
    /// <param name="fused">Whether to use libtorch's kernel, which reads and writes everything once, where there is one.</param>
    public AdamW(ParameterVector parameters, double weightDecay, bool fused = true)
    {
        _fused = fused && FusedKernels.AreAvailable;
        _parameters = parameters;
        _weightDecay = weightDecay;
        _block = parameters.Values.device_type == DeviceType.CPU ? CpuBlock : DeviceBlock;
        FirstMoment = zeros_like(parameters.Values).DetachFromDisposeScope();
        SecondMoment = zeros_like(parameters.Values).DetachFromDisposeScope();
    }

    /// <summary>The running mean of the gradient (<c>exp_avg</c>), with the layout of <see cref="ParameterVector.Values"/>.</summary>
    public Tensor FirstMoment { get; }

    /// <summary>The running mean of the squared gradient (<c>exp_avg_sq</c>), with the layout of <see cref="ParameterVector.Values"/>.</summary>
    public Tensor SecondMoment { get; }

    /// <summary>Updates the parameters from their gradients.</summary>
    /// <param name="step">The optimizer step, counted from 1.</param>
    /// <param name="learningRate">The step's learning rate, before the ratio of each parameter.</param>
    public void Step(int step, double learningRate)
    {
        using var noGrad = no_grad();
        foreach (var range in _parameters.Ranges) Step(range, step, learningRate * range.LearningRateRatio);
    }

    private void Step(ParameterRange range, int step, double learningRate)
    {
        if (_fused) StepFused(range, step, learningRate);
        else StepByBlocks(range, step, learningRate);
    }

    private void StepFused(ParameterRange range, int step, double learningRate)
    {
        using var scope = NewDisposeScope();
        FusedKernels.AdamW(
            Part(_parameters.Values), Part(_parameters.Gradient), Part(FirstMoment), Part(SecondMoment), full(1, (float)step, device: _parameters.Values.device),
            new AdamWSettings(learningRate, Beta1, Beta2, _weightDecay, Epsilon));

        Tensor Part(Tensor vector) => vector.narrow(0, range.Start, range.Length);
    }

    private void StepByBlocks(ParameterRange range, int step, double learningRate)
    {
        var stepSize = learningRate / (1 - Math.Pow(Beta1, step));
        var secondCorrection = Math.Sqrt(1 - Math.Pow(Beta2, step));
        var end = range.Start + range.Length;
        for (var start = range.Start; start < end; start += _block)
        {
            using var scope = NewDisposeScope();
            var size = Math.Min(_block, end - start);
            var p = _parameters.Values.narrow(0, start, size);
            var g = _parameters.Gradient.narrow(0, start, size);
            var m = FirstMoment.narrow(0, start, size);
            var v = SecondMoment.narrow(0, start, size);
            if (_weightDecay != 0) p.mul_(1 - learningRate * _weightDecay);
            m.mul_(Beta1).add_(g, 1 - Beta1);
            v.mul_(Beta2).addcmul_(g, g, 1 - Beta2);
            var denominator = v.sqrt().div_(secondCorrection).add_(Epsilon);
            p.addcdiv_(m, denominator, -stepSize);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }
}
