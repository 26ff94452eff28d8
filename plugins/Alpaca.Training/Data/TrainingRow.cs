using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>A sample as it is trained on.</summary>
/// <remarks>
/// The network sees all tokens but the last and predicts all but the first (<c>x[:-1]</c>, <c>y[1:]</c>), so a sample of n tokens fills n - 1 places.
/// </remarks>
/// <param name="Sample">Has at least one supervised token.</param>
internal sealed record TrainingRow(SupervisedExample Sample)
{
    /// <summary>The places that it fills.</summary>
    public int Length { get; } = Sample.InputIds.Length - 1;

    /// <summary>The tokens that the loss counts.</summary>
    public int SupervisedTokens { get; } = CountSupervised(Sample);

    /// <summary>The tokens of a sample that the loss counts: every label after the first that is not <see cref="SupervisedEncoder.IgnoreIndex"/>.</summary>
    public static int CountSupervised(SupervisedExample sample)
    {
        var count = 0;
        foreach (var label in sample.Labels.AsSpan(Math.Min(1, sample.Labels.Length)))
            if (label != SupervisedEncoder.IgnoreIndex) count++;
        return count;
    }
}
