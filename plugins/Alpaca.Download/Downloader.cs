using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.Logging;

namespace Alpaca.Download;

/// <summary>Fetches original weights as Meta's <c>download.sh</c> does, and checks them against their MD5 checklists.</summary>
internal sealed class Downloader : IDownloader
{
    private const string TokenizerModel = "tokenizer.model";
    private const string TokenizerChecklist = "tokenizer_checklist.chk";

    /// <inheritdoc />
    public async Task<WeightsArtifact> ExecuteAsync(DownloadRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        CheckSizeNames(request.ModelSize);
        using var source = OpenSource(request.Source, context.TimeProvider);
        var fetcher = new FileFetcher(source, context.ResumeFolder, context.Progress, context.TimeProvider);
        var started = context.TimeProvider.GetTimestamp();

        List<string> files = [.. await FetchTokenizerAsync(fetcher, request.Source, context.Logger, cancellationToken).ConfigureAwait(false)];
        foreach (var size in request.ModelSize)
            files.AddRange(await FetchSizeAsync(fetcher, size, request.Source, cancellationToken).ConfigureAwait(false));

        var bytes = 0L;
        foreach (var file in files)
        {
            var target = Path.Combine(context.OutputFolder, Path.GetRelativePath(context.ResumeFolder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Move(file, target);
            bytes += new FileInfo(target).Length;
        }

        var seconds = context.TimeProvider.GetElapsedTime(started).TotalSeconds;
        return new WeightsArtifact
        {
            ModelSizes = request.ModelSize,
            Metrics = new Dictionary<string, double> { ["files"] = files.Count, ["megabytes"] = bytes / 1e6, ["megabytesPerSecond"] = seconds > 0 ? bytes / 1e6 / seconds : 0 },
        };
    }

    private static void CheckSizeNames(IReadOnlyList<string> sizes)
    {
        var bad = sizes.Where(size => size.Length == 0 || size is "." or ".." || size != Path.GetFileName(size) || size.Contains('\\', StringComparison.Ordinal)).ToList();
        if (bad.Count > 0) throw new AlpacaUsageException($"ModelSize names '{string.Join("', '", bad)}', which is no folder name; use 7B, 13B, 30B, 65B or a folder below the source.");
    }

    private static IWeightSource OpenSource(string source, TimeProvider timeProvider)
    {
        if (Uri.TryCreate(source, UriKind.Absolute, out var address) && !address.IsFile)
        {
            if (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
                throw new AlpacaUsageException($"Source is {source}, but only folders, file://, http:// and https:// addresses can be fetched.");
            return new HttpSource(source, timeProvider);
        }

        var folder = address is { IsFile: true } ? address.LocalPath : source;
        if (!Directory.Exists(folder)) throw new AlpacaException($"Source is {source}, but there is no such folder; give the folder that holds {TokenizerModel}.");
        return new FolderSource(folder);
    }

    private static async Task<IReadOnlyList<string>> FetchTokenizerAsync(FileFetcher fetcher, string source, ILogger logger, CancellationToken cancellationToken)
    {
        var checklist = await fetcher.FetchAsync(TokenizerChecklist, null, cancellationToken).ConfigureAwait(false);
        var md5 = checklist is null ? null : Checklist.Read(checklist, TokenizerChecklist).GetValueOrDefault(TokenizerModel);
        if (md5 is null) logger.TokenizerNotVerified(source);
        var tokenizer = await fetcher.FetchAsync(TokenizerModel, md5, cancellationToken).ConfigureAwait(false)
            ?? throw new AlpacaException($"{source} has no {TokenizerModel}; the source must be the folder above the size folders.");
        return checklist is null ? [tokenizer] : [checklist, tokenizer];
    }

    private static async Task<IReadOnlyList<string>> FetchSizeAsync(FileFetcher fetcher, string size, string source, CancellationToken cancellationToken)
    {
        var checklistName = $"{size}/checklist.chk";
        var checklist = await fetcher.FetchAsync(checklistName, null, cancellationToken).ConfigureAwait(false)
            ?? throw new AlpacaException($"{source} has no {checklistName}; check --model-size and the source, since without the checklist nothing could be verified.");
        var digests = Checklist.Read(checklist, checklistName);
        var unlisted = ExpectedFiles(size).Where(name => !digests.ContainsKey(name)).ToList();
        if (unlisted.Count > 0)
            throw new AlpacaException($"{checklistName} does not list {string.Join(", ", unlisted)}, which LLaMA {size} has; the source is incomplete or of another size.");

        List<string> files = [checklist];
        foreach (var (name, md5) in digests)
        {
            files.Add(await fetcher.FetchAsync($"{size}/{name}", md5, cancellationToken).ConfigureAwait(false)
                ?? throw new AlpacaException($"{size}/{name} is missing at {source}, although {checklistName} lists it; complete the source and run again, finished files are kept."));
        }

        return files;
    }

    private static IEnumerable<string> ExpectedFiles(string size) => MetaSizes.TryGetShardCount(size, out var shards)
        ? Enumerable.Range(0, shards).Select(shard => $"consolidated.{shard:00}.pth").Prepend("params.json")
        : ["params.json"];
}
