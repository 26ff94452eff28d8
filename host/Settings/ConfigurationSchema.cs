using System.Text.Json;
using System.Text.Json.Nodes;

namespace Alpaca.Host;

/// <summary>The keys there are. A key that nobody reads is an error: a misspelt option must not silently leave its default in force.</summary>
/// <remarks>What stands below a stage is checked against the stage's request when the pipeline is.</remarks>
internal static class ConfigurationSchema
{
    private static readonly Shape Text = new(ShapeKind.Text);
    private static readonly Shape Texts = new(ShapeKind.Texts);
    private static readonly Shape Free = new(ShapeKind.Free);

    private static readonly Shape Pipeline = Section(new()
    {
        ["Stages"] = Map(Free),
        ["Ask"] = Section(new() { ["Prompt"] = Text, ["Backends"] = Texts, ["MaxNewTokens"] = Text }),
        ["Schedule"] = Section(new() { ["Cron"] = Text, ["TimeZone"] = Text }),
        ["Drops"] = Section(new() { ["Folder"] = Text, ["QuietSeconds"] = Text }),
    });

    private static readonly Shape Root = Section(new()
    {
        ["Workspace"] = Text,
        ["Plugins"] = Section(new() { ["Folder"] = Text, ["Disabled"] = Texts, ["Settings"] = Free }),
        ["Torch"] = Section(new() { ["LibraryPath"] = Text }),
        ["Inference"] = Section(new()
        {
            ["Backend"] = Text, ["Model"] = Text, ["Template"] = Text, ["Device"] = Text, ["Threads"] = Text, ["Precision"] = Text, ["ContextLength"] = Text,
        }),
        ["DefaultPipeline"] = Text,
        ["Pipelines"] = Map(Pipeline),
        ["Logging"] = Free,
    });

    private enum ShapeKind
    {
        Text,
        Texts,
        Section,
        Map,
        Free,
    }

    public static bool IsTopLevelKey(string key) => Root.Keys!.ContainsKey(key);

    public static bool IsPipelineKey(string key) => Pipeline.Keys!.ContainsKey(key);

    /// <summary>Adds an error for every key that is unknown or holds something of the wrong shape.</summary>
    public static void Check(JsonObject root, List<string> errors) => Check(root, Root, "", errors);

    private static void Check(JsonNode? node, Shape shape, string key, List<string> errors)
    {
        switch (shape.Kind)
        {
            case ShapeKind.Free:
            case ShapeKind.Texts when node is JsonValue || (node is JsonArray list && list.All(e => e is JsonValue)):
            case ShapeKind.Text when node is JsonValue:
                return;
            case ShapeKind.Section or ShapeKind.Map when node is JsonObject section:
                foreach (var (name, value) in section) CheckEntry(shape, name, value, key.Length == 0 ? name : $"{key}:{name}", errors);
                return;
            default:
                errors.Add($"{key} must be {shape.Kind switch
                {
                    ShapeKind.Text => "a single value",
                    ShapeKind.Texts => "a list of values",
                    _ => "a section in braces",
                }}, not {Describe(node)}.");
                return;
        }
    }

    private static void CheckEntry(Shape shape, string name, JsonNode? value, string key, List<string> errors)
    {
        var child = shape.Kind == ShapeKind.Map ? shape.Entry! : shape.Keys!.GetValueOrDefault(name);
        if (child is null) errors.Add($"{key} is not a known key (there is {string.Join(", ", shape.Keys!.Keys)}){NearestName.Suggest(name, shape.Keys.Keys)}");
        else if (value is not null) Check(value, child, key, errors);
    }

    private static string Describe(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.Object => "a section",
        JsonValueKind.Array => "a list",
        _ => $"'{node}'",
    };

    private static Shape Section(Dictionary<string, Shape> keys) => new(ShapeKind.Section) { Keys = new(keys, StringComparer.OrdinalIgnoreCase) };

    private static Shape Map(Shape entry) => new(ShapeKind.Map) { Entry = entry };

    private sealed record Shape(ShapeKind Kind)
    {
        public Dictionary<string, Shape>? Keys { get; init; }

        public Shape? Entry { get; init; }
    }
}
