using System.Text.Json.Nodes;

namespace Alpaca.Host;

/// <summary>A pipeline's section <c>Promotion</c>: the rules by which a version becomes the champion.</summary>
/// <param name="Rules">All of them must pass.</param>
/// <param name="Automatic">Whether a version that passes is promoted at once. The default is <see langword="true"/>.</param>
public sealed record PromotionSettings(IReadOnlyList<PromotionRule> Rules, bool Automatic)
{
    /// <summary>The rules of a section without <c>Rules</c>. All but the first say nothing where the run does not measure what they are about.</summary>
    public static IReadOnlyList<PromotionRule> DefaultRules { get; } =
    [
        Default("evalLoss <= 1.01 * championEvalLoss", isOptional: false),
        Default("probeLoss <= 1.02 * championProbeLoss", isOptional: true),
        Default("smokePassed >= 1", isOptional: true),
        Default("backendMeanDifference <= 0.4", isOptional: true),
    ];

    /// <summary>Reads the section.</summary>
    /// <param name="section">The section; <see langword="null"/> where there is none.</param>
    /// <param name="key">Its key, for example <c>Pipelines:sample:Promotion</c>.</param>
    /// <param name="errors">Gets one sentence for each problem.</param>
    internal static PromotionSettings? Read(JsonNode? section, string key, List<string> errors)
    {
        if (section is not JsonObject values) return null; // of the wrong shape, which the schema reports
        var automatic = true;
        if (values[nameof(Automatic)] is JsonValue truth && !bool.TryParse(ConfigurationTree.TextOf(truth), out automatic))
            errors.Add($"{key}:Automatic is '{ConfigurationTree.TextOf(truth)}'; it must be true or false.");
        var texts = values[nameof(Rules)] switch
        {
            JsonArray list => list.OfType<JsonValue>().Select(ConfigurationTree.TextOf).ToList(),
            JsonValue text => [.. OptionList.Split(ConfigurationTree.TextOf(text))],
            _ => null,
        };
        if (texts is null) return new PromotionSettings(DefaultRules, automatic);
        if (texts.Count == 0) errors.Add($"{key}:Rules is empty; remove it for the default rules, or name one.");
        var rules = new List<PromotionRule>();
        for (var i = 0; i < texts.Count; i++)
        {
            if (PromotionRule.TryParse(texts[i], out var rule)) rules.Add(rule);
            else errors.Add($"{key}:Rules:{i} is '{texts[i]}'; a rule is {PromotionRule.Syntax}.");
        }

        return new PromotionSettings(rules, automatic);
    }

    private static PromotionRule Default(string text, bool isOptional)
        => PromotionRule.TryParse(text, out var rule, isOptional) ? rule : throw new ArgumentException(text, nameof(text));
}
