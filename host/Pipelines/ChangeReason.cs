using System.Text.Json.Nodes;

namespace Alpaca.Host;

/// <summary>Says in words why a stage's artifact no longer fits.</summary>
internal static class ChangeReason
{
    private const int MostNamed = 3;

    /// <summary>Compares a stage with the last artifact it made.</summary>
    /// <param name="stage">What it would be asked now.</param>
    /// <param name="last">What it was asked then; <see langword="null"/> when it never was.</param>
    public static string Describe(PreparedStage stage, ArtifactManifest? last)
    {
        if (last is null) return "no artifact yet";
        var changes = Changes(stage, last).Distinct().ToList();
        if (changes.Count == 0) return "its artifact is gone";
        var more = changes.Count > MostNamed ? $" and {changes.Count - MostNamed} more" : "";
        return string.Join(", ", changes.Take(MostNamed)) + more;
    }

    private static IEnumerable<string> Changes(PreparedStage stage, ArtifactManifest last)
    {
        var plugin = stage.Stage.Plugin;
        if (plugin.Name != last.Uses) yield return $"stage changed from {last.Uses} to {plugin.Name}";
        else if (plugin.Plugin.Name != last.Plugin) yield return $"plugin changed from {last.Plugin} to {plugin.Plugin.Name}";
        else if (plugin.Plugin.Version != last.PluginVersion) yield return $"plugin version changed from {last.PluginVersion} to {plugin.Plugin.Version}";

        foreach (var (name, value) in stage.Options)
        {
            if (!last.Options.TryGetValue(name, out var before)) yield return $"option {name} is new";
            else if (!JsonNode.DeepEquals(before, value)) yield return $"option {name} changed from {Text(before)} to {Text(value)}";
        }

        foreach (var name in last.Options.Keys.Except(stage.Options.Keys)) yield return $"option {name} is gone";

        var options = stage.Inputs.Select(i => i.Option).Union(last.Inputs.Select(i => i.Option));
        foreach (var option in options)
        {
            var now = stage.Inputs.Where(i => i.Option == option).Select(i => i.Digest);
            if (!now.SequenceEqual(last.Inputs.Where(i => i.Option == option).Select(i => i.Digest))) yield return $"input {option} changed";
        }
    }

    private static string Text(JsonNode? value) => value switch
    {
        null => "none",
        JsonArray list => $"[{string.Join(", ", list.Select(Text))}]",
        _ => value.ToString(),
    };
}
