using System.Collections.Concurrent;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Several files of one source, some at a time.</summary>
internal sealed class Batch(IWeightSource source, FileFetcher fetcher, ResumeStore store, int parallel)
{
    /// <summary>Asks the source for the sizes of the files that are not here yet.</summary>
    /// <param name="files">The files.</param>
    /// <param name="missing">Makes the error for files that the source does not have.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    /// <returns>The files, in their order, with what the source says.</returns>
    public async Task<IReadOnlyList<SourceFile>> MeasureAsync(
        IReadOnlyList<SourceFile> files, Func<IReadOnlyList<SourceFile>, AlpacaException> missing, CancellationToken cancellationToken)
    {
        var measured = files.ToArray();
        var absent = new ConcurrentBag<int>();
        await ForEachAsync(files, async (index, file, token) =>
        {
            if (store.Find(file) is { } finished) measured[index] = file with { Size = finished.Size };
            else if (await source.FindAsync(file.Name, token).ConfigureAwait(false) is { } status) measured[index] = file with { Size = status.Size, Version = status.Version };
            else absent.Add(index);
        }, cancellationToken).ConfigureAwait(false);
        return absent.IsEmpty ? measured : throw missing([.. absent.Order().Select(index => files[index])]);
    }

    /// <summary>The size of all files whose size is known, and how much of that is here already.</summary>
    public (long Total, long Done) Amounts(IReadOnlyList<SourceFile> files)
    {
        var known = files.Where(f => f.Size is not null).ToList();
        return (known.Sum(f => f.Size!.Value), known.Sum(store.BytesOf));
    }

    /// <summary>Fetches the files.</summary>
    /// <param name="files">The files.</param>
    /// <param name="progress">Told how far they are.</param>
    /// <param name="missing">Makes the error for a file that the source does not have.</param>
    /// <param name="cancellationToken">Ends the transfers; the parts are kept.</param>
    /// <returns>The complete files, in their order.</returns>
    public async Task<IReadOnlyList<FetchedFile>> FetchAsync(
        IReadOnlyList<SourceFile> files, DownloadProgress progress, Func<IReadOnlyList<SourceFile>, AlpacaException> missing, CancellationToken cancellationToken)
    {
        var fetched = new FetchedFile[files.Count];
        await ForEachAsync(
            files,
            async (index, file, token) => fetched[index] = await fetcher.FetchAsync(file, progress, token).ConfigureAwait(false) ?? throw missing([file]),
            cancellationToken).ConfigureAwait(false);
        return fetched;
    }

    private async Task ForEachAsync(IReadOnlyList<SourceFile> files, Func<int, SourceFile, CancellationToken, Task> act, CancellationToken cancellationToken)
        => await Parallel.ForEachAsync(
            files.Index(), new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken },
            async (entry, token) => await act(entry.Index, entry.Item, token).ConfigureAwait(false)).ConfigureAwait(false);
}
