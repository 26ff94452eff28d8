using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Formats;

namespace Alpaca.Download;

/// <summary>What attempts leave for the next one: <c>files/</c> has complete, checked files, <c>parts/</c> those under way, <c>notes/</c> what is known about each.</summary>
internal sealed class ResumeStore(string folder)
{
    /// <summary>The folder, for messages.</summary>
    public string Folder => folder;

    /// <summary>Where a file's part grows.</summary>
    public string PartOf(string name) => RelativeName.Below(Path.Combine(folder, "parts"), name);

    /// <summary>The complete file an earlier attempt left, if it has the digests that are expected now.</summary>
    public FetchedFile? Find(SourceFile file)
    {
        var path = CompletePathOf(file.Name);
        if (ReadNote(file.Name) is not { Digests: { } digests } note || !File.Exists(path)) return null;
        var size = new FileInfo(path).Length;
        return size == note.Total && file.Expected.Digests.Unmet(digests) is null ? new FetchedFile(file.Name, path, size, digests) : null;
    }

    /// <summary>How many bytes of a file need not be fetched again, as far as can be told without asking the source.</summary>
    public long BytesOf(SourceFile file)
    {
        if (Find(file) is { } complete) return complete.Size;
        var part = new FileInfo(PartOf(file.Name));
        return part.Exists ? Math.Min(part.Length, file.Size ?? part.Length) : 0;
    }

    /// <summary>Makes a complete part the file.</summary>
    public FetchedFile Complete(string name, TransferNote note)
    {
        var path = CompletePathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var size = new FileInfo(PartOf(name)).Length;
        WriteNote(name, note with { Total = size });
        Rename.File(PartOf(name), path, overwrite: true);
        return new FetchedFile(name, path, size, note.Digests!);
    }

    /// <summary>Forgets a file, complete or not.</summary>
    public void Discard(string name)
    {
        foreach (var path in new[] { CompletePathOf(name), PartOf(name), NoteOf(name) })
        {
            if (File.Exists(path)) File.Delete(path);
        }
    }

    /// <summary>What was noted about a file; <see langword="null"/> when nothing readable was.</summary>
    public TransferNote? ReadNote(string name)
    {
        try
        {
            if (!File.Exists(NoteOf(name)) || JsonNode.Parse(File.ReadAllText(NoteOf(name))) is not JsonObject json) return null;
            var sha256 = (string?)json["sha256"];
            return new TransferNote(
                (string?)json["version"],
                (long?)json["total"],
                sha256 is null ? null : new Digests((string?)json["md5"], sha256, (string?)json["gitSha1"]));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Notes something about a file.</summary>
    public void WriteNote(string name, TransferNote note)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(NoteOf(name))!);
        var json = new JsonObject
        {
            ["version"] = note.Version, ["total"] = note.Total, ["md5"] = note.Digests?.Md5, ["sha256"] = note.Digests?.Sha256, ["gitSha1"] = note.Digests?.GitSha1,
        };
        File.WriteAllText(NoteOf(name), json.ToJsonString());
    }

    private string CompletePathOf(string name) => RelativeName.Below(Path.Combine(folder, "files"), name);

    private string NoteOf(string name) => RelativeName.Below(Path.Combine(folder, "notes"), name);
}

/// <summary>What is known about a file that is fetched.</summary>
/// <param name="Version">What identified the content at the source when the part was begun; without it the part cannot be gone on from.</param>
/// <param name="Total">The whole file's length, as the source said then; of a complete file, its length.</param>
/// <param name="Digests">A complete file's digests.</param>
internal sealed record TransferNote(string? Version, long? Total, Digests? Digests = null);
