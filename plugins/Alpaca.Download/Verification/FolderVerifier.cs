using System.Buffers;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Checks the files of a local folder against what is known of them, and reports.</summary>
internal sealed class FolderVerifier(string folder, KnownDigests known, StageContext context)
{
    private const int BufferSize = 1 << 20;

    /// <summary>Checks every file.</summary>
    /// <exception cref="AlpacaException">Files are missing or not what they must be, all at once; or there is nothing to check by.</exception>
    public async Task<WeightsArtifact> RunAsync(DownloadRequest request, CancellationToken cancellationToken)
    {
        List<string> sizes = [.. request.ModelSize.Distinct()];
        var started = context.TimeProvider.GetTimestamp();
        try
        {
            var plan = new VerificationPlan(folder, known).Make(sizes);
            if (plan.All(f => f.Expected.IsEmpty && f.Genuine is null))
                throw new AlpacaException($"Nothing says what the files of {folder} must be: it has no checklist (*.chk), no {DownloadRecord.FileName}, and no LLaMA folder (7B, 13B, 30B, 65B); give the folder as it was downloaded.");
            var verified = await VerifyAsync(plan, request.ParallelDownloads, cancellationToken).ConfigureAwait(false);
            var bad = verified.Where(f => f.Problem is not null).ToList();
            if (bad.Count > 0)
                throw new AlpacaException($"{bad.Count} of {plan.Count} files of {folder} are not what they must be: {string.Join("; ", bad.Select(f => f.Problem))}. Fetch them again.");
            if (verified.Where(f => f.Verdict == Verdict.Unverified).Select(f => f.Name).ToList() is { Count: > 0 } unverified) context.Logger.NotVerified(string.Join(", ", unverified));
            VerificationReport.Write(context.OutputFolder, folder, verified);
            return Summarize(verified, sizes, context.TimeProvider.GetElapsedTime(started).TotalSeconds);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{folder} cannot be verified: {e.Message} Make its files readable and the output folder writable, then run again.", e);
        }
    }

    private async Task<VerifiedFile[]> VerifyAsync(IReadOnlyList<FileToVerify> plan, int parallel, CancellationToken cancellationToken)
    {
        var verified = new VerifiedFile[plan.Count];
        var sizes = plan.Select(f => f.Exists ? new FileInfo(RelativeName.Below(folder, f.Name)).Length : 0).ToList();
        using var progress = new DownloadProgress(context.Progress, sizes.Sum());
        await Parallel.ForEachAsync(
            plan.Index(), new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken },
            async (entry, token) => verified[entry.Index] = await VerifyAsync(entry.Item, sizes[entry.Index], progress, token).ConfigureAwait(false)).ConfigureAwait(false);
        return verified;
    }

    private async Task<VerifiedFile> VerifyAsync(FileToVerify file, long size, DownloadProgress progress, CancellationToken cancellationToken)
    {
        if (!file.Exists) return new VerifiedFile(file.Name, 0, Digests.None, Verdict.Missing, $"{file.Name} is missing");
        using var bar = progress.StartFile(file.Name, size);
        bar.Report(0);
        var digests = await ComputeAsync(RelativeName.Below(folder, file.Name), bar, cancellationToken).ConfigureAwait(false);
        if (file.Expected.Unmet(digests) is { } unmet)
            return new VerifiedFile(file.Name, size, digests, Verdict.Mismatch, $"{file.Name} has {unmet.Algorithm} {unmet.Actual} instead of {unmet.Expected}");
        var verdict = file.Genuine == digests.Sha256 ? Verdict.Genuine : file.Expected.IsEmpty ? Verdict.Unverified : Verdict.Verified;
        return new VerifiedFile(file.Name, size, digests, verdict, null);
    }

    private static async Task<Digests> ComputeAsync(string path, FileProgress bar, CancellationToken cancellationToken)
    {
        using var digests = new DigestSet(md5: true);
        await using var stream = new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan | FileOptions.Asynchronous, BufferSize = 0 });
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (var done = 0L; await stream.ReadAsync(buffer.AsMemory(0, BufferSize), cancellationToken).ConfigureAwait(false) is var read and > 0;)
            {
                digests.Append(buffer.AsSpan(0, read));
                bar.Report(done += read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return digests.Finish();
    }

    private static WeightsArtifact Summarize(VerifiedFile[] files, IReadOnlyList<string> sizes, double seconds)
    {
        var megabytes = files.Sum(f => f.Size) / 1e6;
        return new WeightsArtifact
        {
            ModelSizes = sizes,
            Metrics = new Dictionary<string, double>
            {
                ["files"] = files.Length,
                ["megabytes"] = megabytes,
                ["megabytesPerSecond"] = seconds > 0 ? megabytes / seconds : 0,
                ["verified"] = files.Count(f => f.Verdict != Verdict.Unverified),
                ["genuine"] = files.Count(f => f.Verdict == Verdict.Genuine),
            },
        };
    }
}
