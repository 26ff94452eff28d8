using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Download;

/// <summary>A file to verify.</summary>
/// <param name="Name">Its name below the folder.</param>
/// <param name="Exists">Whether it is there.</param>
/// <param name="Expected">What decides; none when nothing says what it must be.</param>
/// <param name="Genuine">The SHA-256 of LLaMA's file of that name, where there is one.</param>
internal sealed record FileToVerify(string Name, bool Exists, Digests Expected, string? Genuine);

/// <summary>Collects what a folder itself, and the published digests, say about its files.</summary>
/// <remarks>In each folder: MD5 lists (<c>*.chk</c>), the record of a hub download (<c>download.json</c>), else the published SHA-256 of LLaMA by the folder's and the file's name.</remarks>
internal sealed class VerificationPlan(string root, KnownDigests known)
{
    private const string ChecklistPattern = "*.chk";
    private static readonly EnumerationOptions Recursive = new() { RecurseSubdirectories = true, MaxRecursionDepth = 8 };

    private readonly SortedDictionary<string, FileToVerify> _files = new(StringComparer.Ordinal);

    /// <summary>Lists the files.</summary>
    /// <param name="sizes">The size folders to look into besides the top folder; none for everything there is.</param>
    /// <exception cref="AlpacaException">There is no such size folder, or a list is damaged.</exception>
    public IReadOnlyList<FileToVerify> Make(IReadOnlyList<string> sizes)
    {
        var absent = sizes.Where(size => !Directory.Exists(Path.Combine(root, size))).ToList();
        if (absent.Count > 0) throw new AlpacaException($"{root} has no folder {string.Join(", ", absent)}; check ModelSize and the source.");
        if (sizes.Count > 0)
        {
            AddFolder(root);
            foreach (var size in sizes) AddFolder(Path.Combine(root, size));
        }
        else
        {
            foreach (var folder in Directory.EnumerateDirectories(root, "*", Recursive).Prepend(root).Order(StringComparer.Ordinal)) AddFolder(folder);
        }

        return [.. _files.Values];
    }

    private void AddFolder(string folder)
    {
        var size = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        var expected = Lists(folder);
        var present = Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)!)
            .Where(name => !name.EndsWith(".chk", StringComparison.Ordinal) && !expected.Records.Contains(name)).ToHashSet();
        var isMetaSize = MetaSizes.TryGetShardCount(size, out _) && present.Any(name => name == MetaNames.Parameters || name.EndsWith(".pth", StringComparison.Ordinal));
        var needed = isMetaSize ? MetaNames.FilesOf(size) : [];

        // A tokenizer.model may be any model's, except beside LLaMA's sizes.
        var besideLlama = Directory.EnumerateDirectories(folder).Any(path => known.HasSize(Path.GetFileName(path)));
        foreach (var name in present.Union(expected.Digests.Keys).Union(needed))
        {
            var published = known.Find(name == MetaNames.TokenizerModel ? name : $"{size}/{name}");
            var decides = published is not null && (name != MetaNames.TokenizerModel || besideLlama);
            var digests = expected.Digests.GetValueOrDefault(name) ?? (decides ? new Digests(Sha256: published) : Digests.None);
            var path = RelativeName.Below(folder, name);
            var below = RelativeName.Of(root, path);
            _files[below] = new FileToVerify(below, File.Exists(path), digests, published);
        }
    }

    private static (Dictionary<string, Digests> Digests, HashSet<string> Records) Lists(string folder)
    {
        var digests = new Dictionary<string, Digests>();
        var records = new HashSet<string>();
        var record = Path.Combine(folder, DownloadRecord.FileName);
        if (File.Exists(record) && DownloadRecord.Read(record) is { } recorded)
        {
            records.Add(DownloadRecord.FileName);
            foreach (var (name, sha256) in recorded) digests[name] = new Digests(Sha256: sha256);
        }

        foreach (var list in Directory.EnumerateFiles(folder, ChecklistPattern))
        {
            foreach (var (name, md5) in Checklist.Read(list, list)) digests[name] = new Digests(Md5: md5);
        }

        return (digests, records);
    }
}
