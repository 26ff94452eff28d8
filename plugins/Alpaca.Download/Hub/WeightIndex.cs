using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>An index of weights in several files (<c>model.safetensors.index.json</c>).</summary>
internal static class WeightIndex
{
    /// <summary>Reads which files it names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="displayName">Its name in messages.</param>
    /// <exception cref="AlpacaException">It is no index, or it names a file outside its folder.</exception>
    public static IReadOnlyCollection<string> Read(string path, string displayName)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var names = document.RootElement.GetProperty("weight_map").EnumerateObject().Select(tensor => tensor.Value.GetString() ?? "").Distinct().Order(StringComparer.Ordinal).ToList();
            if (names.Find(name => !RelativeName.IsSafe(name)) is { } unsafeName)
                throw new AlpacaException($"{displayName} names '{unsafeName}', which does not stay below its folder; do not trust this source.");
            return names;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new AlpacaException($"{displayName} is no index of weights: it has no readable weight_map; choose another revision of the source.", e);
        }
    }
}
