namespace Alpaca.Text;

/// <summary>A sample as the model is trained on it.</summary>
/// <param name="InputIds">The ids, [T].</param>
/// <param name="Labels">The id to learn at each place, [T]; <see cref="SupervisedEncoder.IgnoreIndex"/> where nothing is learned.</param>
public sealed record SupervisedExample(int[] InputIds, int[] Labels);
