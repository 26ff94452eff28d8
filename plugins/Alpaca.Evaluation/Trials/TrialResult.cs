namespace Alpaca.Evaluation;

/// <summary>What a form of a model gave on trial.</summary>
/// <param name="Backend">What ran it.</param>
/// <param name="Answers">The ids of each answer, its end left out.</param>
/// <param name="LogProbabilities">For each text that was scored, the natural logarithm of the probability of each id but the first.</param>
internal sealed record TrialResult(string Backend, IReadOnlyList<IReadOnlyList<int>> Answers, IReadOnlyList<float[]> LogProbabilities)
{
    /// <summary>The largest absolute difference from another form's log-probabilities; <see cref="double.NaN"/> where one of them is no number.</summary>
    public double DifferenceFrom(TrialResult other) => Differences(other).Aggregate(0.0, Math.Max);

    /// <summary>The mean absolute difference from another form's log-probabilities.</summary>
    public double MeanDifferenceFrom(TrialResult other) => Differences(other).DefaultIfEmpty().Average();

    /// <summary>The share of tokens before the first in which an answer differs from another form's, ends of answers included, 0 to 1.</summary>
    public double AgreementWith(TrialResult other)
    {
        var (equal, all) = (0L, 0L);
        foreach (var (mine, theirs) in Answers.Zip(other.Answers))
        {
            var isSame = mine.SequenceEqual(theirs);
            var longest = Math.Max(mine.Count, theirs.Count) + 1;
            equal += isSame ? longest : mine.Zip(theirs).TakeWhile(pair => pair.First == pair.Second).Count();
            all += longest;
        }

        return (double)equal / all;
    }

    private IEnumerable<double> Differences(TrialResult other)
        => LogProbabilities.SelectMany(each => each).Zip(other.LogProbabilities.SelectMany(each => each), (mine, theirs) => Math.Abs((double)mine - theirs));
}
