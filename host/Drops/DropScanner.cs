using System.Security.Cryptography;
using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Looks through a drop folder, and takes or refuses the files that have come to rest. Used by one caller at a time.</summary>
/// <remarks>
/// A file is known by the SHA-256 of its content, so the same data is taken once whatever its name. Nothing is ever deleted or overwritten, and a file that cannot be moved
/// stays where it is and is tried again.
/// </remarks>
internal sealed class DropScanner(DropFolder folder, TimeProvider time, ILogger log)
{
    private readonly Dictionary<string, Sighting> _sightings = [];

    /// <summary>Looks once.</summary>
    /// <param name="whenIdle">
    /// Runs its argument unless the pipeline is running, and says whether it did: accepted files are training data, which must not change under a run. A good file waits
    /// until then; a bad one is refused at once.
    /// </param>
    /// <param name="cancellationToken">Ends the reading early.</param>
    /// <returns>How many files were accepted.</returns>
    public int Scan(Func<Action, bool> whenIdle, CancellationToken cancellationToken = default)
    {
        var accepted = 0;
        var files = Directory.EnumerateFiles(folder.Path).Where(f => !DropNames.IsUnfinished(Path.GetFileName(f))).Order(StringComparer.Ordinal).ToList();
        foreach (var gone in _sightings.Keys.Except(files).ToList()) _sightings.Remove(gone);
        foreach (var file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (IsStill(file) && Take(file, whenIdle, cancellationToken)) accepted++;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                ReportOnce(file, e.Message);
            }
        }

        return accepted;
    }

    /// <summary>Whether the file has kept its size and time since it was seen long enough ago.</summary>
    private bool IsStill(string file)
    {
        var state = FileState.Of(file);
        if (!_sightings.TryGetValue(file, out var seen) || seen.State != state)
        {
            _sightings[file] = new Sighting(state, time.GetTimestamp());
            return false;
        }

        return time.GetElapsedTime(seen.Since) >= folder.Quiet;
    }

    /// <returns>Whether the file was accepted.</returns>
    private bool Take(string file, Func<Action, bool> whenIdle, CancellationToken cancellationToken)
    {
        var seen = _sightings[file];
        var verdict = seen.Verdict ?? Judge(file, cancellationToken);
        if (FileState.Of(file) != seen.State) return false; // It changed while it was read: it has to come to rest again.
        _sightings[file] = seen with { Verdict = verdict };

        if ((verdict.Reason ?? WhyDuplicate(file, verdict)) is { } reason)
        {
            Reject(file, verdict, reason);
            return false;
        }

        var name = DropNames.Accepted(verdict.Sha256, Path.GetFileName(file));
        if (whenIdle(() => Accept(file, name)))
        {
            _sightings.Remove(file);
            log.DropAccepted(Path.GetFileName(file), verdict.Samples);
            return true;
        }

        if (!seen.Reported) log.DropWaits(Path.GetFileName(file));
        _sightings[file] = seen with { Verdict = verdict, Reported = true };
        return false;
    }

    private static Verdict Judge(string file, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string sha256;

        // Where the system has locks, this fails while somebody still writes.
        using (var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read)) sha256 = Convert.ToHexStringLower(SHA256.HashData(stream));
        var extension = Path.GetExtension(file);
        if (!extension.Equals(".json", StringComparison.OrdinalIgnoreCase) && !extension.Equals(".jsonl", StringComparison.OrdinalIgnoreCase))
            return new Verdict(sha256, 0, $"{Path.GetFileName(file)} is neither a .json nor a .jsonl file.");
        try
        {
            return new Verdict(sha256, InstructionDataset.Load([file]).Count, null);
        }
        catch (AlpacaException e)
        {
            return new Verdict(sha256, 0, e.Message);
        }
    }

    private string? WhyDuplicate(string file, Verdict verdict)
        => Directory.EnumerateFiles(folder.Accepted, $"{verdict.Sha256}-*").FirstOrDefault() is { } same
            ? $"{Path.GetFileName(file)} is a duplicate of accepted/{Path.GetFileName(same)}."
            : null;

    private void Accept(string file, string name)
    {
        // First the mark, then the move: a crash in between costs a run that has nothing to do, the other way round a run that never comes.
        File.WriteAllText(folder.RunOwedMarker, "");
        File.Move(file, Path.Combine(folder.Accepted, name));
    }

    private void Reject(string file, Verdict verdict, string reason)
    {
        var target = DropNames.Free(folder.Rejected, Path.GetFileName(file));
        new DropReason(Path.GetFileName(file), reason, verdict.Sha256, time.GetUtcNow()).WriteBeside(target, () => File.Move(file, target));
        _sightings.Remove(file);
        log.DropRejected(Path.GetFileName(file), reason);
    }

    private void ReportOnce(string file, string reason)
    {
        if (!_sightings.TryGetValue(file, out var seen) || seen.Reported) return;
        log.DropStays(Path.GetFileName(file), reason);
        _sightings[file] = seen with { Reported = true };
    }

    private readonly record struct FileState(long Size, DateTime Modified)
    {
        public static FileState Of(string file)
        {
            var info = new FileInfo(file);
            return new FileState(info.Length, info.LastWriteTimeUtc);
        }
    }

    /// <summary>A file as it was seen, and since when it looks so.</summary>
    private sealed record Sighting(FileState State, long Since)
    {
        public Verdict? Verdict { get; init; }

        public bool Reported { get; init; }
    }

    /// <summary>What was found out about a file; the reason is <see langword="null"/> for a good one.</summary>
    private sealed record Verdict(string Sha256, int Samples, string? Reason);
}
