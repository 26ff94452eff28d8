using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>An artifact as plain data, without the plugin's type: what its manifest keeps, wherever its stage ran.</summary>
/// <param name="Properties">The artifact's properties, as its manifest has them.</param>
/// <param name="Metrics">The artifact's figures by name.</param>
public sealed record ArtifactData(JsonObject Properties, IReadOnlyDictionary<string, double> Metrics)
{
    /// <summary>Copies an artifact's data.</summary>
    public static ArtifactData Of(Artifact artifact)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        return new ArtifactData(PlainJson.FromObject(artifact), new Dictionary<string, double>(artifact.Metrics));
    }
}
