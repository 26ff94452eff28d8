namespace Alpaca.Evaluation;

/// <summary>How the trial answers turned out.</summary>
public sealed record SmokeFigures
{
    /// <summary>The backend that gave them.</summary>
    public required string Backend { get; init; }

    /// <summary>The answers, in the order of the questions.</summary>
    public required IReadOnlyList<TrialAnswer> Answers { get; init; }

    /// <summary>The share that passed: ended, in the script expected, without going round in circles; 0 to 1.</summary>
    public double Passed => ShareOf(answer => answer.HasPassed);

    /// <summary>The share that ended by themselves, 0 to 1.</summary>
    public double Ended => ShareOf(answer => answer.HasEnded);

    /// <summary>The share in the script expected, 0 to 1.</summary>
    public double InScript => ShareOf(answer => answer.IsInScript);

    /// <summary>The share that went round in circles, 0 to 1.</summary>
    public double Looped => ShareOf(answer => answer.IsLooping);

    private double ShareOf(Func<TrialAnswer, bool> what) => (double)Answers.Count(what) / Answers.Count;
}
