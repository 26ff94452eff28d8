using System.Globalization;

namespace Alpaca.Host;

/// <summary>A verdict in lines for people.</summary>
internal static class VerdictLines
{
    /// <summary>What became of the version, and a line for each rule.</summary>
    public static IEnumerable<string> Describe(PromotionVerdict verdict)
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"promotion: version {verdict.Version} {Word(verdict.Outcome)}. {verdict.Reason}");
        foreach (var rule in verdict.Rules) yield return $"  {Describe(rule)}";
    }

    private static string Word(PromotionOutcome outcome) => outcome switch
    {
        PromotionOutcome.Promoted => "is the champion",
        PromotionOutcome.Waiting => "is the candidate",
        PromotionOutcome.Rejected => "is rejected",
        _ => "again",
    };

    private static string Describe(RuleResult rule)
    {
        var figures = rule is { Value: { } value, Limit: { } limit } ? string.Create(CultureInfo.InvariantCulture, $" ({value:G5} against {limit:G5})") : "";
        return $"{(rule.Passed ? "passed" : "failed")}: {rule.Rule}{figures}{(rule.Note is { } note ? $", {note}" : "")}";
    }
}
