namespace Alpaca.Text;

/// <summary>A sample as the model is trained on it.</summary>
/// <param name="InputIds">The ids, [T].</param>
/// <param name="Labels">The id to learn at each place, [T]; <see cref="SupervisedEncoder.IgnoreIndex"/> where nothing is learned.</param>
public sealed record SupervisedExample(int[] InputIds, int[] Labels)
{
    /// <summary>Where its data was read.</summary>
    public RowPlace Place { get; init; }

    /// <summary>The sample cut at its end, if it is longer than that.</summary>
    /// <param name="length">At most so many tokens.</param>
    public SupervisedExample Truncate(int length) => InputIds.Length <= length ? this : this with { InputIds = InputIds[..length], Labels = Labels[..length] };
}
