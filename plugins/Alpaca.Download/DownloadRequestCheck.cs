using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Checks a request before anything is asked of a source.</summary>
internal static class DownloadRequestCheck
{
    /// <summary>Checks the options one by one and against the kind of source.</summary>
    /// <returns>The source.</returns>
    /// <exception cref="AlpacaUsageException">Options that cannot be used, all at once.</exception>
    /// <exception cref="AlpacaException">The source is a folder that is not there.</exception>
    public static SourceAddress Run(DownloadRequest request)
    {
        var problems = new List<string>();
        var source = SourceAddress.Parse(request.Source, problems);
        CheckSizes(request, source, problems);
        if (request.ParallelDownloads is < 1 or > 32) problems.Add($"ParallelDownloads is {request.ParallelDownloads}; it must be from 1 to 32.");
        if (source is { Kind: not SourceKind.Hub })
        {
            if (request.Revision is not ("main" or "")) problems.Add($"Revision is {request.Revision}, which only an hf: source has; leave it out.");
            if (request.Include.Count > 0) problems.Add("Include chooses files of an hf: source; leave it out, ModelSize chooses here.");
        }

        if (source is { Kind: SourceKind.Hub } && string.IsNullOrWhiteSpace(request.Revision)) problems.Add("Revision is empty; name a branch, a tag or a commit, or leave it out for main.");
        if (request.VerifyOnly && source is { Kind: not SourceKind.Folder })
            problems.Add($"VerifyOnly checks a local folder, and Source is {source.DisplayName}; give the folder, or leave VerifyOnly out.");
        if (problems.Count > 0) throw new AlpacaUsageException(string.Join('\n', problems));

        if (source!.Kind == SourceKind.Folder && !Directory.Exists(source.Location))
            throw new AlpacaException($"Source is {request.Source}, but there is no such folder; give the folder that holds {MetaNames.TokenizerModel}.");
        return source;
    }

    private static void CheckSizes(DownloadRequest request, SourceAddress? source, List<string> problems)
    {
        var bad = request.ModelSize.Where(size => !RelativeName.IsSafeFileName(size)).ToList();
        if (bad.Count > 0) problems.Add($"ModelSize names '{string.Join("', '", bad)}', which is no folder name; use 7B, 13B, 30B, 65B or a folder below the source.");
        if (source is { Kind: SourceKind.Hub } && request.ModelSize.Count > 0) problems.Add("ModelSize does not go with an hf: source, which holds one size; leave it out.");
        if (source is { Kind: not SourceKind.Hub } && request.ModelSize.Count == 0 && !request.VerifyOnly)
            problems.Add("ModelSize is missing: the sizes to fetch, for example 7B,13B.");
    }
}
