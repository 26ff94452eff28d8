using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Alpaca.Host;

/// <summary>A stage whose inputs are all there: what it will be asked, and the fingerprint of that.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Request">An instance of the stage's request type.</param>
/// <param name="Options">The options apart from inputs, defaults included, by name.</param>
/// <param name="Inputs">The inputs with their digests.</param>
/// <param name="ArtifactBytes">Bytes of the inputs that are models or weights, from the store or from outside.</param>
internal sealed record PreparedStage(
    WiredStage Stage, object Request, SortedDictionary<string, JsonNode?> Options, IReadOnlyList<ManifestInput> Inputs, long ArtifactBytes)
{
    /// <summary>The first 128 bits of SHA-256 over plugin, version, stage name, options and input digests, in small hexadecimal digits.</summary>
    public string Fingerprint { get; } = Compute(Stage.Plugin, Options, Inputs);

    private static string Compute(PluginStage stage, SortedDictionary<string, JsonNode?> options, IReadOnlyList<ManifestInput> inputs)
    {
        var canonical = new JsonObject
        {
            ["plugin"] = stage.Plugin.Name,
            ["version"] = stage.Plugin.Version,
            ["stage"] = stage.Name,
            ["options"] = new JsonObject(options.Select(o => KeyValuePair.Create(o.Key, o.Value?.DeepClone()))),
            ["inputs"] = new JsonArray([.. inputs.Select(i => new JsonObject { ["option"] = i.Option, ["digest"] = i.Digest })]),
        };
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToJsonString())).AsSpan(0, 16));
    }
}
