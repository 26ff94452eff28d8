namespace Alpaca.Training;

/// <summary>The lowest validation loss of a run, and how long ago it was. The validation before training does not count: there is nothing to keep of it.</summary>
internal sealed record BestValidation
{
    /// <summary>The optimizer step after which it was taken; <see langword="null"/> before the first.</summary>
    public int? Step { get; init; }

    /// <summary>The loss; infinite before the first.</summary>
    public double Loss { get; init; } = double.PositiveInfinity;

    /// <summary>Validations since one was better than all before it by the threshold.</summary>
    public int WithoutImprovement { get; init; }

    /// <summary>Takes a validation into account.</summary>
    /// <param name="step">The optimizer step after which it was taken.</param>
    /// <param name="loss">Its loss.</param>
    /// <param name="threshold">By how much it must be lower to count as an improvement; a smaller difference is remembered as the best all the same, as in transformers.</param>
    public BestValidation Add(int step, double loss, double threshold)
    {
        var improves = loss < Loss && Loss - loss >= threshold;
        var best = loss < Loss ? this with { Step = step, Loss = loss } : this;
        return best with { WithoutImprovement = improves ? 0 : WithoutImprovement + 1 };
    }
}
