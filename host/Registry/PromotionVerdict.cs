namespace Alpaca.Host;

/// <summary>What became of the models that a run made.</summary>
public enum PromotionOutcome
{
    /// <summary>The version is the champion now.</summary>
    Promoted,

    /// <summary>The version passed, and waits as candidate for somebody to promote it.</summary>
    Waiting,

    /// <summary>The version failed a rule.</summary>
    Rejected,

    /// <summary>The run made the models of a version that was judged before; nothing changed.</summary>
    Unchanged,
}

/// <summary>How a version was judged.</summary>
/// <param name="Version">Its number.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Passed">Whether it passed all rules.</param>
/// <param name="Reason">One sentence.</param>
/// <param name="Rules">The rules with their figures.</param>
public sealed record PromotionVerdict(int Version, PromotionOutcome Outcome, bool Passed, string Reason, IReadOnlyList<RuleResult> Rules);

/// <summary>How a version fared by a rule.</summary>
/// <param name="Rule">The rule's text.</param>
/// <param name="Passed">Whether it passed; a rule that could not be applied may pass, and <paramref name="Note"/> says why.</param>
/// <param name="Value">The metric; <see langword="null"/> where it is missing.</param>
/// <param name="Limit">What it was compared with; <see langword="null"/> where a metric in it is missing.</param>
/// <param name="Note">What is special about it; otherwise <see langword="null"/>.</param>
public sealed record RuleResult(string Rule, bool Passed, double? Value, double? Limit, string? Note);
