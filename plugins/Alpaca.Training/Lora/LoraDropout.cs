using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>The dropout before the A matrices (Hu et al. 2021).</summary>
/// <remarks>
/// <para>A mask is a function of the run's seed, the optimizer step and how many masks were drawn in it before: a resumed run drops what the straight run would have dropped, a layer that runs a
/// second time drops what it dropped the first time. On the CPU no global generator is touched; on CUDA the default one is seeded for every mask, as TorchSharp cannot make another there.</para>
/// <para>Layers that read the same input (<c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c>; <c>gate_proj</c>, <c>up_proj</c>) share its mask, and with it the copy that autograd keeps.</para>
/// </remarks>
internal sealed class LoraDropout : IDisposable
{
    private readonly double _probability;
    private readonly int _seed;
    private ulong _stepSeed;
    private bool _active;
    private Tensor? _input;
    private Tensor? _dropped;

    /// <summary>Creates a dropout that does nothing until a step begins.</summary>
    /// <param name="probability">The share of inputs set to 0, 0 to less than 1.</param>
    /// <param name="seed">The run's seed.</param>
    public LoraDropout(double probability, int seed)
    {
        _probability = probability;
        _seed = seed;
    }

    /// <summary>Masks drawn in this step. Setting it back draws the same ones again.</summary>
    public int Drawn { get; set; }

    /// <summary>What the result of <see cref="Apply"/> is to be multiplied by, so that the expectation stays; left to the caller, who has a factor anyway.</summary>
    public double Scale => _active ? 1 / (1 - _probability) : 1;

    /// <summary>Turns the dropout on, for one optimizer step.</summary>
    /// <param name="step">The step, counted from 1.</param>
    public void BeginStep(int step)
    {
        Forget();
        _stepSeed = (ulong)Seeds.Derive(_seed, "dropout", step) << 32;
        Drawn = 0;
        _active = _probability > 0;
    }

    /// <summary>Turns the dropout off, for validation.</summary>
    public void EndStep()
    {
        Forget();
        _active = false;
    }

    /// <summary>Sets a share of the inputs to 0.</summary>
    /// <param name="input">Any shape and floating-point type.</param>
    /// <returns>A tensor that belongs to this object until another input comes or the step ends.</returns>
    public Tensor Apply(Tensor input)
    {
        if (!_active) return input;
        if (ReferenceEquals(input, _input)) return _dropped!;
        Forget();
        using var mask = NextMask(input); // a byte for each element, kept for the backward pass
        (_input, _dropped) = (input, input.mul(mask).DetachFromDisposeScope());
        return _dropped;
    }

    /// <inheritdoc />
    public void Dispose() => Forget();

    // Autograd holds what it needs of it.
    private void Forget()
    {
        _dropped?.Dispose();
        (_input, _dropped) = (null, null);
    }

    private Tensor NextMask(Tensor input)
    {
        var seed = _stepSeed + (ulong)Drawn++;
        var mask = empty(input.shape, ScalarType.Bool, input.device);
        if (input.device_type == DeviceType.CPU) return Fill(mask, seed);
        cuda.manual_seed((long)seed);
        return mask.bernoulli_(1 - _probability);
    }

    // libtorch draws one number after another on the CPU, which took an eighth of a step. 16 bits decide about an element.
    private Tensor Fill(Tensor mask, ulong seed)
    {
        var keep = (uint)Math.Round((1 - _probability) * 65536);
        var elements = mask.bytes;
        var random = new SplitMix64(seed);
        var i = 0;
        for (; i <= elements.Length - 4; i += 4)
        {
            var bits = random.Next();
            elements[i] = (byte)((((uint)bits & 0xffff) - keep) >> 31); // 1 where the number is below keep
            elements[i + 1] = (byte)((((uint)(bits >> 16) & 0xffff) - keep) >> 31);
            elements[i + 2] = (byte)((((uint)(bits >> 32) & 0xffff) - keep) >> 31);
            elements[i + 3] = (byte)(((uint)(bits >> 48) - keep) >> 31);
        }

        for (var bits = random.Next(); i < elements.Length; i++, bits >>= 16) elements[i] = (byte)((((uint)bits & 0xffff) - keep) >> 31);
        return mask;
    }

    /// <summary>SplitMix64 (Steele, Lea and Flood 2014).</summary>
    private struct SplitMix64(ulong seed)
    {
        private const ulong Gamma = 0x9E3779B97F4A7C15;
        private ulong _state = Mix(seed);

        public ulong Next() => Mix(_state += Gamma);

        private static ulong Mix(ulong z)
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
