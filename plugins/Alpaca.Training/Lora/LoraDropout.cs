using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>The dropout before every A matrix.</summary>
/// <remarks>
/// Its random numbers come from a generator that is seeded anew at each optimizer step, from the run's seed and the step: a resumed run drops what the straight
/// run would have dropped, and no global generator is touched.
/// </remarks>
internal sealed class LoraDropout : IDisposable
{
    private readonly double _probability;
    private readonly int _seed;
    private readonly Generator? _generator;
    private bool _active;

    /// <summary>Creates a dropout that does nothing until a step begins.</summary>
    /// <param name="probability">The share of inputs set to 0, 0 to less than 1.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="device">The device of the inputs.</param>
    public LoraDropout(double probability, int seed, Device device)
    {
        _probability = probability;
        _seed = seed;
        if (probability > 0) _generator = new Generator(0, device);
    }

    /// <summary>Turns the dropout on, for one optimizer step.</summary>
    /// <param name="step">The step, counted from 1.</param>
    public void BeginStep(int step)
    {
        _generator?.manual_seed(Seeds.Derive(_seed, "dropout", step));
        _active = _generator is not null;
    }

    /// <summary>Turns the dropout off, for validation.</summary>
    public void EndStep() => _active = false;

    /// <summary>Where the random numbers are, for <see cref="Restore"/>; <see langword="null"/> when there are none. In the caller's dispose scope.</summary>
    public Tensor? Save() => _active ? _generator!.get_state() : null;

    /// <summary>Goes on, or again, from where <see cref="Save"/> was called: what runs a second time drops what it dropped the first time.</summary>
    public void Restore(Tensor? state)
    {
        if (state is not null) _generator!.set_state(state);
    }

    /// <summary>What the result of <see cref="Apply"/> is to be multiplied by, so that the expectation stays; left to the caller, who has a factor anyway.</summary>
    public double Scale => _active ? 1 / (1 - _probability) : 1;

    /// <summary>Sets a share of the inputs to 0.</summary>
    /// <param name="input">Any shape and floating-point type.</param>
    public Tensor Apply(Tensor input)
    {
        if (!_active) return input;
        using var mask = empty(input.shape, ScalarType.Bool, input.device).bernoulli_(1 - _probability, _generator); // a byte each, kept for the backward pass
        return input.mul(mask);
    }

    /// <inheritdoc />
    public void Dispose() => _generator?.Dispose();
}
