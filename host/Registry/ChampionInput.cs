namespace Alpaca.Host;

/// <summary>The source <c>@champion</c> of a stage's input: the artifact of the pipeline's champion.</summary>
internal static class ChampionInput
{
    /// <summary>How it is written under <c>Inputs</c>.</summary>
    public const string Name = "@champion";

    /// <summary>The champion's artifact of the most wanted kind that it has; of several of a kind, the last.</summary>
    /// <returns><see langword="null"/> where there is no champion yet, or where it has none of the kinds.</returns>
    public static VersionArtifact? Find(ModelVersion? champion, IReadOnlyList<string> kinds)
        => kinds.Select(kind => champion?.Artifacts.LastOrDefault(artifact => artifact.Kind == kind)).FirstOrDefault(artifact => artifact is not null);
}
