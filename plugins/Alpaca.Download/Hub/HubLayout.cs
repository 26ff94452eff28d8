using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Finds out which files of a repository to fetch.</summary>
internal sealed class HubLayout(HubRepository repository, FileFetcher fetcher)
{
    /// <summary>The repository's commit and the files to fetch from it; an index among them is fetched already.</summary>
    /// <param name="include">Patterns to choose by instead of the usual choice.</param>
    /// <param name="progress">Told about the index.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    /// <exception cref="AlpacaException">The hub refuses, or the repository does not have what is wanted.</exception>
    public async Task<HubListing> ListAsync(IReadOnlyList<string> include, DownloadProgress progress, CancellationToken cancellationToken)
    {
        var listing = await repository.ListAsync(cancellationToken).ConfigureAwait(false);
        if (include.Count > 0) return listing with { Files = HubChoice.Included(listing, include, repository.DisplayName) };

        var index = HubChoice.Index(listing);
        var indexed = index is null ? null : await ReadIndexAsync(index, progress, cancellationToken).ConfigureAwait(false);
        List<SourceFile> files = [.. HubChoice.Companions(listing), .. index is null ? [] : new[] { index }, .. HubChoice.Weights(listing, indexed, repository.DisplayName)];
        return listing with { Files = [.. files.DistinctBy(f => f.Name)] };
    }

    private async Task<IReadOnlyCollection<string>> ReadIndexAsync(SourceFile index, DownloadProgress progress, CancellationToken cancellationToken)
    {
        var fetched = await fetcher.FetchAsync(index, progress, cancellationToken).ConfigureAwait(false)
            ?? throw new AlpacaException($"{index.Name} is not at {repository.DisplayName} any more, although its listing names it; run again.");
        return WeightIndex.Read(fetched.Path, index.Name);
    }
}
