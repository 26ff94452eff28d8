using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The folder of an output that is being made: hidden, beside its final place, removed unless it is published.</summary>
internal sealed class PendingFolder : IDisposable
{
    private readonly string _final;
    private readonly IDisposable _use;

    public PendingFolder(string final)
    {
        _final = final;
        Folder = TemporaryName.Partial(final);
        _use = TemporaryName.Use(Folder);
        try
        {
            DurableFolder.TryDelete(Folder); // of a process that died and had our number
            Directory.CreateDirectory(Folder);
        }
        catch
        {
            _use.Dispose();
            throw;
        }
    }

    /// <summary>Where the stage writes.</summary>
    public string Folder { get; }

    /// <summary>Lists the files with their SHA-256, in the order of their paths.</summary>
    /// <exception cref="AlpacaException">The stage wrote a file under the manifest's name.</exception>
    public IReadOnlyList<ManifestFile> Describe(IStageProgress progress, CancellationToken cancellationToken)
    {
        var files = Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(f => new FileInfo(f)).ToList();
        if (File.Exists(Path.Combine(Folder, ArtifactManifest.FileName)))
            throw new AlpacaException($"The stage wrote a {ArtifactManifest.FileName} of its own, a name that is kept for the host; report it to the plugin's author.");
        using var task = progress.Start("checksums", files.Sum(f => f.Length), ProgressUnit.Bytes);
        var described = new List<ManifestFile>();
        var done = 0L;
        foreach (var file in files)
        {
            using var stream = file.OpenRead();
            var digest = FileDigest.Compute(stream, bytes => task.Report(done += bytes), cancellationToken);
            described.Add(new ManifestFile(Path.GetRelativePath(Folder, file.FullName).Replace('\\', '/'), file.Length, digest));
        }

        return described;
    }

    /// <summary>Writes the manifest as the last file and gives the folder its final name.</summary>
    public StoredArtifact Publish(ArtifactManifest manifest)
    {
        DurableFolder.Flush(Folder);
        manifest.Write(Folder);
        Publish();
        return new StoredArtifact(_final, manifest);
    }

    /// <summary>Writes everything through to the disk and gives the folder its final name.</summary>
    public void Publish()
    {
        DurableFolder.Flush(Folder);
        DurableFolder.Publish(Folder, _final);
    }

    public void Dispose()
    {
        DurableFolder.TryDelete(Folder);
        _use.Dispose();
    }
}
