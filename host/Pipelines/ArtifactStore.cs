using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>An artifact that is in the store.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Manifest">What is known about it.</param>
public sealed record StoredArtifact(string Folder, ArtifactManifest Manifest);

/// <summary>The artifacts of a workspace: immutable folders <c>artifacts/&lt;kind&gt;/&lt;fingerprint&gt;</c> that appear by a rename, complete or not at all.</summary>
public sealed class ArtifactStore
{
    private readonly string _artifacts;
    private readonly string _resume;

    /// <summary>Names the workspace; nothing is touched.</summary>
    /// <param name="workspace">The workspace's folder.</param>
    public ArtifactStore(string workspace)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(workspace);
        Workspace = Path.GetFullPath(workspace);
        _artifacts = Path.Combine(Workspace, "artifacts");
        _resume = Path.Combine(Workspace, "resume");
    }

    /// <summary>The workspace's folder.</summary>
    public string Workspace { get; }

    /// <summary>Where stages keep what can be made again.</summary>
    public string CacheFolder => Path.Combine(Workspace, "cache");

    /// <summary>Where the artifact of a fingerprint is or would be.</summary>
    public string FolderOf(string kind, string fingerprint) => Path.Combine(_artifacts, kind, fingerprint);

    /// <summary>Where a stage keeps what an interrupted attempt goes on from.</summary>
    public string ResumeFolderOf(string fingerprint) => Path.Combine(_resume, fingerprint);

    /// <summary>Looks for a complete artifact: its manifest can be read and each of its files has the right size.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="fingerprint">Its fingerprint.</param>
    /// <param name="damage">What is wrong with the folder that is there; <see langword="null"/> when there is none, or nothing is wrong.</param>
    public StoredArtifact? Find(string kind, string fingerprint, out string? damage)
    {
        var folder = FolderOf(kind, fingerprint);
        damage = null;
        if (!Directory.Exists(folder)) return null;
        var manifest = ArtifactManifest.TryRead(folder);
        damage = manifest is null || manifest.Kind != kind || manifest.Fingerprint != fingerprint
            ? "the manifest of its artifact is missing or damaged"
            : manifest.Files.Select(f => Damage(folder, f)).FirstOrDefault(d => d is not null);
        return damage is null ? new StoredArtifact(folder, manifest!) : null;
    }

    /// <summary>The newest manifest that a stage of a pipeline wrote, or <see langword="null"/>.</summary>
    public ArtifactManifest? Latest(string kind, string pipeline, string stage)
    {
        var folder = Path.Combine(_artifacts, kind);
        if (!Directory.Exists(folder)) return null;
        return Directory.EnumerateDirectories(folder).Where(f => !Path.GetFileName(f).StartsWith('.')).Select(ArtifactManifest.TryRead).OfType<ArtifactManifest>()
            .Where(m => m.Pipeline == pipeline && m.Stage == stage).MaxBy(m => m.FinishedAt);
    }

    /// <summary>Removes the unfinished folders of processes that died, on whatever machine.</summary>
    public void RemoveLeftovers()
    {
        if (!Directory.Exists(_artifacts)) return;
        foreach (var kind in Directory.EnumerateDirectories(_artifacts)) TemporaryName.RemoveLeftovers(kind, elsewhere: IfUnused);

        void IfUnused(string fingerprint, Action remove)
        {
            using var unused = WorkspaceLock.TryForArtifact(Workspace, fingerprint);
            if (unused is not null) remove();
        }
    }

    /// <summary>Makes an empty folder for a stage to write to. Disposing the result removes it unless it was published.</summary>
    /// <exception cref="AlpacaException">The workspace cannot be written to.</exception>
    internal PendingFolder Begin(string kind, string fingerprint)
    {
        var final = FolderOf(kind, fingerprint);
        try
        {
            return new PendingFolder(final);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The workspace {Workspace} cannot be written to ({e.Message}); choose another one with --workspace.", e);
        }
    }

    private static string? Damage(string folder, ManifestFile file)
    {
        var info = new FileInfo(Path.Combine(folder, file.Path));
        if (!info.Exists) return $"{file.Path} is missing from its artifact";
        return info.Length == file.Size ? null : $"{file.Path} of its artifact has {info.Length} bytes instead of {file.Size}";
    }
}
