using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Download;

/// <summary>Finds out which files Meta's layout has at a source and what each must be: from the MD5 lists there, else from the published SHA-256.</summary>
internal sealed class MetaRelease(IWeightSource source, FileFetcher fetcher, KnownDigests known, ILogger logger)
{
    private const string DamagedFile = "the file at the source is damaged or the checklist belongs to another one";

    /// <summary>Lists the files; the MD5 lists among them are fetched already.</summary>
    /// <param name="sizes">The size folders.</param>
    /// <param name="progress">Told about the MD5 lists.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    /// <exception cref="AlpacaException">A list is damaged or incomplete, or nothing says what a size consists of.</exception>
    public async Task<IReadOnlyList<SourceFile>> ListAsync(IReadOnlyList<string> sizes, DownloadProgress progress, CancellationToken cancellationToken)
    {
        var files = new List<SourceFile>();
        await AddTokenizerAsync(sizes, files, progress, cancellationToken).ConfigureAwait(false);
        foreach (var size in sizes) await AddSizeAsync(size, files, progress, cancellationToken).ConfigureAwait(false);
        return files;
    }

    /// <summary>The error for files that the source does not have.</summary>
    public AlpacaException Missing(IReadOnlyList<SourceFile> files, IReadOnlyList<SourceFile> missing)
    {
        var names = string.Join(", ", missing.Select(f => f.Name));
        if (missing.Any(f => f.Name == MetaNames.TokenizerModel))
            return new AlpacaException($"{source.DisplayName} has no {names}; the source must be the folder above the size folders, where {MetaNames.TokenizerModel} is.");

        var unlisted = missing.Select(f => $"{f.Name.Split('/')[0]}/{MetaNames.Checklist}").Distinct().Where(list => files.All(f => f.Name != list)).ToList();
        return unlisted.Count > 0
            ? new AlpacaException($"{source.DisplayName} has no {string.Join(", ", unlisted)} and no {names}; check ModelSize and the source, or complete it. Finished files are kept.")
            : new AlpacaException($"{names} {(missing.Count == 1 ? "is" : "are")} missing at {source.DisplayName}, although the checklist lists {(missing.Count == 1 ? "it" : "them")}; complete the source and run again, finished files are kept.");
    }

    private async Task AddTokenizerAsync(IReadOnlyList<string> sizes, List<SourceFile> files, DownloadProgress progress, CancellationToken cancellationToken)
    {
        var listed = await ReadChecklistAsync(MetaNames.TokenizerChecklist, files, progress, cancellationToken).ConfigureAwait(false);
        var expected = Expectation.None;
        if (listed?.GetValueOrDefault(MetaNames.TokenizerModel) is { } md5) expected = Listed(md5);
        else if (sizes.Any(known.HasSize)) expected = Published(MetaNames.TokenizerModel);
        else await AcceptAnyAsync(MetaNames.TokenizerModel, cancellationToken).ConfigureAwait(false);
        files.Add(new SourceFile(MetaNames.TokenizerModel, expected));
    }

    private async Task AddSizeAsync(string size, List<SourceFile> files, DownloadProgress progress, CancellationToken cancellationToken)
    {
        var checklist = $"{size}/{MetaNames.Checklist}";
        var listed = await ReadChecklistAsync(checklist, files, progress, cancellationToken).ConfigureAwait(false);
        if (listed is null)
        {
            if (!known.HasSize(size))
                throw new AlpacaException($"{source.DisplayName} has no {checklist}; check ModelSize and the source, since without the checklist nothing of {size} could be verified.");
            logger.ByPublishedDigests(size, source.DisplayName);
            files.AddRange(known.FilesOf(size).Select(name => $"{size}/{name}").Select(name => new SourceFile(name, Published(name))));
            return;
        }

        var unlisted = MetaNames.FilesOf(size).Where(name => !listed.ContainsKey(name)).ToList();
        if (unlisted.Count > 0)
            throw new AlpacaException($"{checklist} does not list {string.Join(", ", unlisted)}, which LLaMA {size} has; the source is incomplete or of another size.");
        files.AddRange(listed.Select(entry => new SourceFile($"{size}/{entry.Key}", Listed(entry.Value))));
    }

    private async Task<IReadOnlyDictionary<string, string>?> ReadChecklistAsync(string name, List<SourceFile> files, DownloadProgress progress, CancellationToken cancellationToken)
    {
        var file = new SourceFile(name, Expectation.None);
        await fetcher.DiscardIfChangedAsync(name, cancellationToken).ConfigureAwait(false);
        if (await fetcher.FetchAsync(file, progress, cancellationToken).ConfigureAwait(false) is not { } fetched) return null;
        files.Add(file);
        return Checklist.Read(fetched.Path, name);
    }

    private async Task AcceptAnyAsync(string name, CancellationToken cancellationToken)
    {
        logger.TokenizerNotVerified(source.DisplayName);
        await fetcher.DiscardIfChangedAsync(name, cancellationToken).ConfigureAwait(false);
    }

    private static Expectation Listed(string md5) => new(new Digests(Md5: md5), "its checklist", DamagedFile);

    private Expectation Published(string name) => new(
        new Digests(Sha256: known.Find(name)),
        "the published digest of LLaMA's file",
        $"the file is damaged, or it is another model's, which needs its {MetaNames.Checklist} at the source to be verified");
}
