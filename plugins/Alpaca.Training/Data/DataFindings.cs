namespace Alpaca.Training;

/// <summary>What is to be said about data, a line for a person each.</summary>
/// <param name="Summary">Sizes.</param>
/// <param name="Warnings">What in it teaches nothing or the wrong thing; empty if nothing does.</param>
internal sealed record DataFindings(IReadOnlyList<string> Summary, IReadOnlyList<string> Warnings)
{
    /// <summary>Everything.</summary>
    public IEnumerable<string> Lines => Summary.Concat(Warnings);
}
