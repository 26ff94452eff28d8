using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Which of a pipeline's artifacts a backend runs.</summary>
internal static class BackendArtifacts
{
    /// <summary>The kind that bears the backend's name (<c>onnx</c> for <c>Onnx</c>) where the pipeline makes one, otherwise a Hugging Face model.</summary>
    public static string KindFor(string backend, IEnumerable<string> kinds)
        => kinds.FirstOrDefault(k => k.Equals(backend, StringComparison.OrdinalIgnoreCase)) ?? ArtifactKinds.Model;

    /// <summary>The folder of the last artifact of a run that the backend runs, or <see langword="null"/>.</summary>
    public static string? InRun(RunRecord run, string backend)
    {
        var kind = KindFor(backend, run.Stages.Select(s => s.ArtifactKind));
        return run.Stages.LastOrDefault(s => s.ArtifactKind == kind)?.ArtifactFolder;
    }

    /// <summary>The artifact of a version that the backend runs, the last where there are several, or <see langword="null"/>.</summary>
    public static VersionArtifact? InVersion(ModelVersion version, string backend)
    {
        var kind = KindFor(backend, version.Artifacts.Select(artifact => artifact.Kind));
        return version.Artifacts.LastOrDefault(artifact => artifact.Kind == kind);
    }

    /// <summary>The folder of the artifact of a version that the backend runs.</summary>
    /// <exception cref="AlpacaException">It has none.</exception>
    public static string FolderInVersion(ModelVersion version, string backend, ArtifactStore store)
        => InVersion(version, backend) is { } artifact
            ? store.FolderOf(artifact.Kind, artifact.Fingerprint)
            : throw new AlpacaException($"Version {version.Number} of pipeline {version.Pipeline} has no artifact that {backend} runs; set Inference:Backend to another, or promote a version that has one.");

    /// <summary>The folder of the newest artifact of a pipeline that the backend runs, or <see langword="null"/> when none has been made yet.</summary>
    public static string? Newest(PipelineDefinition pipeline, string backend, IPluginCatalog catalog, ArtifactStore store)
    {
        var stages = pipeline.Stages.Select(s => (s.Name, Kind: catalog.GetStage(s.Uses).ArtifactKind)).ToList();
        var kind = KindFor(backend, stages.Select(s => s.Kind));
        return stages.Where(s => s.Kind == kind).Reverse().Select(s => store.Latest(kind, pipeline.Name, s.Name))
            .Where(m => m is not null).Select(m => store.FolderOf(kind, m!.Fingerprint)).FirstOrDefault();
    }
}
