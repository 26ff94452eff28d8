using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Alpaca.Host;

/// <summary>A rule that a version must pass: <c>metric op expression</c>, for example <c>evalLoss &lt;= 1.01 * championEvalLoss</c>.</summary>
/// <remarks>The operator is &lt;, &lt;=, &gt;, &gt;= or ==; the expression is a number, a metric, or a number times a metric, and behind it perhaps <c>+</c> or <c>-</c> and a number.</remarks>
public sealed partial class PromotionRule
{
    /// <summary>How the metrics of the champion begin: <c>championEvalLoss</c> is its <c>evalLoss</c>.</summary>
    public const string ChampionPrefix = "champion";

    /// <summary>What a rule looks like, for messages.</summary>
    public const string Syntax = "metric op expression, for example 'evalLoss <= 1.01 * championEvalLoss + 0.02' (op is <, <=, >, >= or ==)";

    private readonly string _metric;
    private readonly string _operator;
    private readonly double _factor;
    private readonly string? _limitMetric;
    private readonly double _offset;

    private PromotionRule(string text, string metric, string @operator, double factor, string? limitMetric, double offset)
        => (Text, _metric, _operator, _factor, _limitMetric, _offset) = (text, metric, @operator, factor, limitMetric, offset);

    /// <summary>The rule as it is written.</summary>
    public string Text { get; }

    /// <summary>Whether a missing metric means that the rule says nothing, instead of failing the version. The default is <see langword="false"/>.</summary>
    public bool IsOptional { get; init; }

    /// <summary>Reads a rule.</summary>
    /// <param name="text">The rule.</param>
    /// <param name="rule">The rule, where it is one.</param>
    /// <param name="isOptional"><see cref="IsOptional"/>.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out PromotionRule? rule, bool isOptional = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        rule = null;
        if (Pattern().Match(text) is not { Success: true } match) return false;
        var (number, metric) = (match.Groups["number"], match.Groups["limit"]);
        var first = number.Success ? Number(number.Value) : 1;
        var offset = match.Groups["offset"] is { Success: true } group ? Number(group.Value) * (match.Groups["sign"].Value == "-" ? -1 : 1) : 0;
        if (!double.IsFinite(first) || !double.IsFinite(offset)) return false;
        rule = metric.Success
            ? new PromotionRule(text.Trim(), match.Groups["metric"].Value, match.Groups["op"].Value, first, metric.Value, offset) { IsOptional = isOptional }
            : new PromotionRule(text.Trim(), match.Groups["metric"].Value, match.Groups["op"].Value, 0, null, first + offset) { IsOptional = isOptional };
        return true;
    }

    /// <summary>Applies the rule.</summary>
    /// <param name="metrics">The metrics of the run.</param>
    /// <param name="champion">The champion; <see langword="null"/> where there is none yet.</param>
    public RuleResult Apply(IReadOnlyDictionary<string, double> metrics, ModelVersion? champion)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        var (value, valueNote) = Find(_metric, metrics, champion);
        var (metric, limitNote) = _limitMetric is null ? (0, null) : Find(_limitMetric, metrics, champion);
        var limit = (_factor * metric) + _offset;
        var note = valueNote ?? limitNote;
        if (value is { } left && limit is { } right) return new RuleResult(Text, Compare(left, right), left, right, note);

        var missing = new[] { (Name: _metric, Value: value), (Name: _limitMetric, Value: metric) }.Where(m => m.Name is not null && m.Value is null).Select(m => m.Name!).ToList();
        var passes = IsOptional || (champion is null && missing.All(IsOfChampion));
        return new RuleResult(Text, passes, value, limit, missing.All(IsOfChampion) && champion is null ? "no champion yet" : IsOptional
            ? $"skipped: the run has no metric {string.Join(" and ", missing)}"
            : $"the run has no metric {string.Join(" and ", missing)}");
    }

    /// <summary>A metric of the run; one of the champion that the run did not measure, as it was measured when the champion was made.</summary>
    private static (double? Value, string? Note) Find(string name, IReadOnlyDictionary<string, double> metrics, ModelVersion? champion)
    {
        if (metrics.TryGetValue(name, out var value)) return (value, null);
        if (champion is null || !IsOfChampion(name)) return (null, null);
        var own = char.ToLowerInvariant(name[ChampionPrefix.Length]) + name[(ChampionPrefix.Length + 1)..];
        return champion.Metrics.TryGetValue(own, out value) ? (value, $"{name} as measured when version {champion.Number} was made") : (null, null);
    }

    private static bool IsOfChampion(string name) => name.Length > ChampionPrefix.Length && name.StartsWith(ChampionPrefix, StringComparison.Ordinal);

    private bool Compare(double value, double limit) => _operator switch
    {
        "<" => value < limit,
        "<=" => value <= limit,
        ">" => value > limit,
        ">=" => value >= limit,
        _ => value.Equals(limit) && !double.IsNaN(value),
    };

    private static double Number(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    [GeneratedRegex(
        @"^\s*(?<metric>[A-Za-z_]\w*)\s*(?<op><=|>=|==|<|>)\s*(?:(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\s*\*\s*(?<limit>[A-Za-z_]\w*))?|(?<limit>[A-Za-z_]\w*))(?:\s*(?<sign>[+-])\s*(?<offset>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))?\s*$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
