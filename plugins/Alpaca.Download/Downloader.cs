using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Download;

/// <summary>Fetches original weights as Meta's <c>download.sh</c> does, or a model folder from a Hugging Face hub, and checks every file.</summary>
/// <remarks>What decides whether a file is the right one is said at <see cref="DownloadRequest"/>. Every file is fetched, checked and kept in the resume folder; the output appears once all are there.</remarks>
internal sealed class Downloader : IDownloader
{
    private readonly DownloadEnvironment _environment;

    /// <summary>Asks the machine it runs on.</summary>
    public Downloader() : this(new DownloadEnvironment()) { }

    internal Downloader(DownloadEnvironment environment) => _environment = environment;

    /// <inheritdoc />
    public async Task<WeightsArtifact> ExecuteAsync(DownloadRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        var address = DownloadRequestCheck.Run(request);
        if (request.VerifyOnly) return await new FolderVerifier(address.Location, _environment.Known, context).RunAsync(request, cancellationToken).ConfigureAwait(false);

        var started = context.TimeProvider.GetTimestamp();
        using var source = Open(address, request, context.TimeProvider);
        var store = new ResumeStore(context.ResumeFolder);
        var fetcher = new FileFetcher(source, store, _environment.Transfers, context.TimeProvider);
        var fetched = source is HubRepository repository
            ? await FetchRepositoryAsync(repository, fetcher, store, request, context, cancellationToken).ConfigureAwait(false)
            : await FetchSizesAsync(source, fetcher, store, request, context, cancellationToken).ConfigureAwait(false);

        var metrics = Publish(fetched.Files, context.OutputFolder);
        var seconds = context.TimeProvider.GetElapsedTime(started).TotalSeconds;
        metrics["megabytesPerSecond"] = seconds > 0 ? metrics["megabytes"] / seconds : 0;
        metrics["verified"] = fetched.Verified;
        if (fetched.Genuine is { } genuine) metrics["genuine"] = genuine;
        return new WeightsArtifact { ModelSizes = [.. request.ModelSize.Distinct()], Metrics = metrics };
    }

    private IWeightSource Open(SourceAddress address, DownloadRequest request, TimeProvider timeProvider) => address.Kind switch
    {
        SourceKind.Hub => new HubRepository(HubAccess.FromEnvironment(_environment.Variable), address.Location, request.Revision, _environment.Transfers, timeProvider),
        SourceKind.Http => new HttpSource(address.Location, _environment.Transfers, timeProvider),
        _ => new FolderSource(address.Location),
    };

    private async Task<Fetched> FetchSizesAsync(
        IWeightSource source, FileFetcher fetcher, ResumeStore store, DownloadRequest request, StageContext context, CancellationToken cancellationToken)
    {
        List<string> sizes = [.. request.ModelSize.Distinct()];
        var release = new MetaRelease(source, fetcher, _environment.Known, context.Logger);
        IReadOnlyList<SourceFile> files;
        using (var progress = new DownloadProgress(context.Progress)) files = await release.ListAsync(sizes, progress, cancellationToken).ConfigureAwait(false);
        var batch = new Batch(source, fetcher, store, request.ParallelDownloads);
        try
        {
            files = await batch.MeasureAsync(files, missing => release.Missing(files, missing), cancellationToken).ConfigureAwait(false);
            var fetched = await FetchAsync(batch, files, missing => release.Missing(files, missing), context, cancellationToken).ConfigureAwait(false);
            return new Fetched(fetched, files.Count(f => !f.Expected.Digests.IsEmpty), Genuine.Count(fetched, sizes, _environment.Known, context.Logger));
        }
        catch (DigestMismatchException)
        {
            // Either the file or its list is wrong; whichever is mended, the next attempt must see it.
            foreach (var list in files.Where(f => f.Name.EndsWith(".chk", StringComparison.Ordinal))) store.Discard(list.Name);
            throw;
        }
    }

    private async Task<Fetched> FetchRepositoryAsync(
        HubRepository repository, FileFetcher fetcher, ResumeStore store, DownloadRequest request, StageContext context, CancellationToken cancellationToken)
    {
        HubListing listing;
        using (var progress = new DownloadProgress(context.Progress))
            listing = await new HubLayout(repository, fetcher).ListAsync(request.Include, progress, cancellationToken).ConfigureAwait(false);
        context.Logger.Commit(repository.DisplayName, request.Revision, listing.Commit);

        var batch = new Batch(repository, fetcher, store, request.ParallelDownloads);
        var fetched = await FetchAsync(
            batch, listing.Files, missing => new AlpacaException($"{missing[0].Name} is not at {repository.DisplayName} any more, although its listing names it; run again, finished files are kept."),
            context, cancellationToken).ConfigureAwait(false);
        DownloadRecord.Write(context.OutputFolder, repository.DisplayName, request.Revision, listing.Commit, fetched);
        return new Fetched(fetched, fetched.Count, null);
    }

    private async Task<IReadOnlyList<FetchedFile>> FetchAsync(
        Batch batch, IReadOnlyList<SourceFile> files, Func<IReadOnlyList<SourceFile>, AlpacaException> missing, StageContext context, CancellationToken cancellationToken)
    {
        var (total, done) = batch.Amounts(files);
        DiskRoom.Require(context.ResumeFolder, total - done, "what is still to fetch", _environment.FreeBytes);
        using var progress = new DownloadProgress(context.Progress, total, done);
        return await batch.FetchAsync(files, progress, missing, cancellationToken).ConfigureAwait(false);
    }

    private static Dictionary<string, double> Publish(IReadOnlyList<FetchedFile> files, string folder)
    {
        try
        {
            foreach (var file in files)
            {
                var target = RelativeName.Below(folder, file.Name);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                Rename.File(file.Path, target);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The fetched files could not be moved to {folder}: {e.Message} Make room or make the folder writable, then run again.", e);
        }

        return new Dictionary<string, double> { ["files"] = files.Count, ["megabytes"] = files.Sum(f => f.Size) / 1e6 };
    }

    private sealed record Fetched(IReadOnlyList<FetchedFile> Files, int Verified, int? Genuine);
}
