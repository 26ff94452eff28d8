using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>What stands in one row of a batch: one sample, or several when packing.</summary>
/// <remarks>
/// The network sees all tokens but the last of each sample and predicts all but the first (<c>x[:-1]</c>, <c>y[1:]</c>), so a sample of n tokens fills n - 1 places.
/// </remarks>
/// <param name="Samples">At least one; each has at least one supervised token.</param>
internal sealed record TrainingRow(IReadOnlyList<SupervisedExample> Samples)
{
    /// <summary>The places that the samples fill.</summary>
    public int Length { get; } = Samples.Sum(sample => sample.InputIds.Length - 1);

    /// <summary>The tokens that the loss counts.</summary>
    public int SupervisedTokens { get; } = Samples.Sum(CountSupervised);

    /// <summary>The tokens of a sample that the loss counts: every label after the first that is not <see cref="SupervisedEncoder.IgnoreIndex"/>.</summary>
    public static int CountSupervised(SupervisedExample sample)
    {
        var count = 0;
        foreach (var label in sample.Labels.AsSpan(Math.Min(1, sample.Labels.Length)))
            if (label != SupervisedEncoder.IgnoreIndex) count++;
        return count;
    }
}
