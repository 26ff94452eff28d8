using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The <c>*.index.json</c> beside a model in several files: which tensor is in which file.</summary>
internal static class ShardIndex
{
    /// <summary>Reads the weight map.</summary>
    /// <returns>File name by tensor name; every file name is a plain name in the index's folder.</returns>
    public static IReadOnlyDictionary<string, string> ReadWeightMap(string path)
    {
        if (JsonFile.ReadObject(path)["weight_map"] is not JsonObject map || map.Count == 0)
        {
            throw new AlpacaException($"{path} has no weight_map; it is not the index of a model.");
        }

        var result = new Dictionary<string, string>(map.Count, StringComparer.Ordinal);
        foreach (var (tensor, node) in map)
        {
            // A name with a folder in it could reach outside the model; no tool writes one.
            if (node is not JsonValue value || !value.TryGetValue<string>(out var file) || file.Length == 0 || file is "." or ".."
                || file.AsSpan().ContainsAny('/', '\\', '\0') || Path.IsPathRooted(file) || file.Contains(':', StringComparison.Ordinal))
            {
                throw new AlpacaException($"{path} gives {Printable.Of(node?.ToJsonString() ?? "null")} as the file of {Printable.Of(tensor)}; only names of files in the same folder are allowed.");
            }

            result.Add(tensor, file);
        }

        return result;
    }

    /// <summary>Writes an index.</summary>
    public static void Write(string path, long totalSize, IEnumerable<KeyValuePair<string, string>> weightMap) => JsonFile.WriteObject(path, new JsonObject
    {
        ["metadata"] = new JsonObject { ["total_size"] = totalSize },
        ["weight_map"] = new JsonObject(weightMap.Select(entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, entry.Value))),
    });
}
