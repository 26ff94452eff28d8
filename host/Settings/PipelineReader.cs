using System.Text.Json.Nodes;

namespace Alpaca.Host;

/// <summary>Reads the section <c>Pipelines</c>.</summary>
internal static class PipelineReader
{
    private const string UsesKey = "Uses";
    private const string InputsKey = "Inputs";

    /// <summary>The pipelines, in the order of the file. What is shaped wrongly becomes an error and is left out.</summary>
    public static IReadOnlyList<PipelineDefinition> Read(JsonObject root, ConfiguredPaths paths, List<string> errors)
    {
        var pipelines = new List<PipelineDefinition>();
        if (root["Pipelines"] is not JsonObject sections) return pipelines;
        foreach (var (name, section) in sections)
        {
            var key = $"Pipelines:{name}";
            if (!IsFileName(name)) errors.Add($"{key}: a pipeline's name is made of letters, digits, '-', '_' and '.'.");
            var stages = section is JsonObject pipeline && pipeline["Stages"] is JsonObject entries
                ? entries.Select(e => ReadStage(e.Key, e.Value, $"{key}:Stages:{e.Key}", errors)).ToList()
                : [];
            if (stages.Count == 0) errors.Add($"{key}:Stages is missing or empty; a pipeline needs at least one stage.");
            var promotion = PromotionSettings.Read((section as JsonObject)?["Promotion"], $"{key}:Promotion", errors);
            pipelines.Add(new PipelineDefinition(name, key, paths, stages) { Promotion = promotion });
        }

        return pipelines;
    }

    private static StageDefinition ReadStage(string name, JsonNode? entry, string key, List<string> errors)
    {
        var options = new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase);
        var inputs = new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase);
        var uses = name;
        if (entry is not (null or JsonObject)) errors.Add($"{key} must be a section in braces.");
        foreach (var (option, value) in entry as JsonObject ?? [])
        {
            if (Is(option, UsesKey))
                uses = value is JsonValue text ? ConfigurationTree.TextOf(text) : Wrong($"{key}:{UsesKey} must be the name of a plugin stage.", name);
            else if (Is(option, InputsKey))
                ReadInputs(value, $"{key}:{InputsKey}");
            else if (Values(value) is { } values)
                options[option] = values;
            else if (value is not null)
                errors.Add($"{key}:{option} must be a value or a list of values.");
        }

        return new StageDefinition(name, key, uses, options, inputs);

        void ReadInputs(JsonNode? section, string inputsKey)
        {
            if (section is not (null or JsonObject)) errors.Add($"{inputsKey} must be a section that maps option names to earlier stages.");
            foreach (var (option, value) in section as JsonObject ?? [])
            {
                if (Values(value) is { } stages) inputs[option] = [.. stages.SelectMany(OptionList.Split)];
                else errors.Add($"{inputsKey}:{option} must be the name of an earlier stage or a list of them.");
            }
        }

        string Wrong(string error, string fallback)
        {
            errors.Add(error);
            return fallback;
        }
    }

    /// <summary>A single value as it stands; the values of a list escaped, so that a comma in one of them does not split it.</summary>
    private static IReadOnlyList<string>? Values(JsonNode? node) => node switch
    {
        JsonValue value => [ConfigurationTree.TextOf(value)],
        JsonArray list when list.All(e => e is JsonValue) => [.. list.Select(e => OptionList.Escape(ConfigurationTree.TextOf((JsonValue)e!)))],
        _ => null,
    };

    private static bool Is(string name, string key) => name.Equals(key, StringComparison.OrdinalIgnoreCase);

    private static bool IsFileName(string name) => name.Length > 0 && name[0] != '.' && name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.');
}
