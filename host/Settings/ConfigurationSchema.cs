using System.Text.Json;
using System.Text.Json.Nodes;

namespace Alpaca.Host;

/// <summary>The keys there are. A key that nobody reads is an error: a misspelt option must not silently leave its default in force.</summary>
/// <remarks>What stands below a stage is checked against the stage's request when the pipeline is.</remarks>
internal static class ConfigurationSchema
{
    private static readonly Shape Text = new(ShapeKind.Text);
    private static readonly Shape Texts = new(ShapeKind.Texts);
    private static readonly Shape Secret = Text with { IsSecret = true };
    private static readonly Shape Free = new(ShapeKind.Free);

    private static readonly Shape Pipeline = Section(new()
    {
        ["Stages"] = Map(Free),
        ["Ask"] = Section(new() { ["Prompt"] = Text, ["Backends"] = Texts, ["MaxNewTokens"] = Text }),
        ["Schedule"] = Section(new() { ["Cron"] = Text, ["TimeZone"] = Text, ["Misfire"] = Text, ["RunAtStartup"] = Text, ["MinNewSamples"] = Text, ["FreshWithinHours"] = Text }),
        ["Drops"] = Section(new() { ["Folder"] = Text, ["QuietSeconds"] = Text, ["MinNewSamples"] = Text }),
        ["Overlap"] = Text,
        ["Retry"] = Section(new() { ["MaxRetries"] = Text, ["FirstDelaySeconds"] = Text, ["MaxDelaySeconds"] = Text, ["Factor"] = Text, ["Jitter"] = Text }),
        ["ExecutionGroup"] = Text,
        ["Promotion"] = Section(new() { ["Rules"] = Texts, ["Automatic"] = Text }),
    });

    private static readonly Shape Root = Section(new()
    {
        ["Workspace"] = Text,
        ["Plugins"] = Section(new() { ["Folder"] = Text, ["Disabled"] = Texts, ["Sha256"] = Map(Text), ["Settings"] = Free }),
        ["Torch"] = Section(new() { ["LibraryPath"] = Text }),
        ["Inference"] = Section(new()
        {
            ["Backend"] = Text, ["Model"] = Text, ["Name"] = Text, ["Template"] = Text, ["Device"] = Text, ["Threads"] = Text, ["Precision"] = Text, ["ContextLength"] = Text,
            ["MaxConcurrency"] = Text, ["ReusePrefixes"] = Text, ["Adapters"] = Map(Text), ["Swap"] = Text,
        }),
        ["Serving"] = Section(new()
        {
            ["Enabled"] = Text, ["Urls"] = Texts, ["ApiKey"] = Texts with { IsSecret = true }, ["ApiKeyFile"] = Text, ["AllowedOrigins"] = Texts, ["MaxRequestBytes"] = Text, ["QueueLimit"] = Text,
            ["RequestsPerMinute"] = Text,
        }),
        ["Notifications"] = Section(new()
        {
            ["Webhooks"] = Map(Section(new() { ["Url"] = Secret, ["Format"] = Text, ["Events"] = Texts, ["Pipelines"] = Texts, ["Secret"] = Secret, ["MaxAttempts"] = Text, ["TimeoutSeconds"] = Text })),
        }) with { IsSecret = true },
        ["Monitoring"] = Section(new() { ["OtlpEndpoint"] = Text }),
        ["Scheduler"] = Section(new() { ["Store"] = Text, ["ConnectionString"] = Secret, ["MaxConcurrentRuns"] = Text, ["RunsGpu"] = Text, ["MisfireSeconds"] = Text }),
        ["Isolation"] = Section(new() { ["Enabled"] = Text, ["Priority"] = Text, ["MemoryLimit"] = Text, ["StopSeconds"] = Text }),
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

    /// <summary>Whether the value at a path is never shown or handed on.</summary>
    public static bool IsSecret(IReadOnlyList<string> path)
    {
        var shape = Root;
        foreach (var part in path)
        {
            if (Below(shape, part) is not { } below) return shape.IsSecret;
            if (below.IsSecret) return true;
            shape = below;
        }

        return shape.IsSecret;
    }

    /// <summary>The keys that hold secrets, as far as they are set.</summary>
    public static IEnumerable<string> CredentialsIn(JsonObject root) => CredentialsIn(root, Root, "");

    private static IEnumerable<string> CredentialsIn(JsonNode? node, Shape shape, string key)
    {
        if (shape is { IsSecret: true, Kind: ShapeKind.Text or ShapeKind.Texts }) return node is JsonArray { Count: 0 } ? [] : [key];
        return node is JsonObject section
            ? section.Where(entry => entry.Value is not null).SelectMany(entry => Below(shape, entry.Key) is { } below ? CredentialsIn(entry.Value, below, key.Length == 0 ? entry.Key : $"{key}:{entry.Key}") : [])
            : [];
    }

    private static Shape? Below(Shape shape, string key) => shape.Kind switch
    {
        ShapeKind.Section => shape.Keys!.GetValueOrDefault(key),
        ShapeKind.Map => shape.Entry,
        _ => null,
    };

    /// <summary>Adds an error for every key that is unknown or holds something of the wrong shape.</summary>
    public static void Check(JsonObject root, List<string> errors) => Check(root, Root, "", isSecret: false, errors);

    private static void Check(JsonNode? node, Shape shape, string key, bool isSecret, List<string> errors)
    {
        switch (shape.Kind)
        {
            case ShapeKind.Free:
            case ShapeKind.Texts when node is JsonValue || (node is JsonArray list && list.All(e => e is JsonValue)):
            case ShapeKind.Text when node is JsonValue:
                return;
            case ShapeKind.Section or ShapeKind.Map when node is JsonObject section:
                foreach (var (name, value) in section) CheckEntry(shape, name, value, key.Length == 0 ? name : $"{key}:{name}", isSecret, errors);
                return;
            default:
                errors.Add($"{key} must be {shape.Kind switch
                {
                    ShapeKind.Text => "a single value",
                    ShapeKind.Texts => "a list of values",
                    _ => "a section in braces",
                }}, not {(isSecret && node is JsonValue ? "a single value" : Describe(node))}.");
                return;
        }
    }

    private static void CheckEntry(Shape shape, string name, JsonNode? value, string key, bool isSecret, List<string> errors)
    {
        var child = Below(shape, name);
        if (child is null) errors.Add($"{key} is not a known key (there is {string.Join(", ", shape.Keys!.Keys)}){NearestName.Suggest(name, shape.Keys.Keys)}");
        else if (value is not null) Check(value, child, key, isSecret || child.IsSecret, errors);
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

        /// <summary>Whether values below it are never shown: a slip may have put an address with a token anywhere there.</summary>
        public bool IsSecret { get; init; }
    }
}
