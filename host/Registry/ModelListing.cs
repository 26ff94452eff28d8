using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A version of a pipeline's models, as <c>alpaca models</c> and the management API list it.</summary>
internal sealed record ModelListing(
    int Version, string Pipeline, DateTimeOffset CreatedAt, IReadOnlyList<string> Aliases, long RunId, int? Parent, IReadOnlyDictionary<string, double> Metrics, PromotionVerdict Verdict,
    VersionRejection? Rejection, string Folder, VersionInput? BaseModel, IReadOnlyList<VersionInput> Inputs, IReadOnlyList<VersionArtifact> Artifacts)
{
    /// <summary>The word that stands for the newest version.</summary>
    public const string Candidate = "candidate";

    /// <summary>A pipeline's versions, the newest first.</summary>
    /// <param name="registry">Knows them.</param>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="settings">Says which backend serves them, and where they are.</param>
    /// <exception cref="AlpacaException">A file of the registry is damaged or cannot be read.</exception>
    public static IReadOnlyList<ModelListing> Of(ModelRegistry registry, string pipeline, AlpacaSettings settings)
    {
        var (aliases, backend) = (registry.Aliases(pipeline), InferenceSettings.Read(settings).Backend);
        return [.. registry.List(pipeline).Select(version => new ModelListing(
            version.Number, pipeline, version.CreatedAt, [.. aliases.NamesOf(version.Number)], version.RunId, version.Parent, version.Metrics, version.Verdict,
            registry.Rejection(pipeline, version.Number), FolderOf(version, backend, settings.WorkspaceFolder), version.BaseModel, version.Inputs, version.Artifacts))];
    }

    /// <summary>Whether a text names a version: by its number, or as <see cref="Candidate"/>.</summary>
    public static bool IsVersion(string text) => text == Candidate || IsNumber(text, out _);

    /// <summary>The version that a text names.</summary>
    /// <exception cref="AlpacaException">There is no candidate yet.</exception>
    public static int NumberOf(string text, ModelRegistry registry, string pipeline)
        => IsNumber(text, out var number) ? number : registry.Aliases(pipeline).Candidate ?? throw new AlpacaException($"Pipeline {pipeline} has no candidate yet; a run of it makes one.");

    private static bool IsNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>The folder of what the configured backend serves; of a version without that, its last artifact's.</summary>
    private static string FolderOf(ModelVersion version, string backend, string workspace)
        => Path.Combine(workspace, (BackendArtifacts.InVersion(version, backend) ?? version.Artifacts[^1]).Folder);
}
