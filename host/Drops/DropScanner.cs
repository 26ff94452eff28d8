using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Looks through a drop folder, and takes or refuses what has come to rest. One caller waits for another.</summary>
/// <remarks>
/// A file is known by the SHA-256 of its content, so the same data is taken once whatever its name. Nothing is ever deleted or overwritten, and what cannot be moved stays where
/// it is and is tried again.
/// </remarks>
internal sealed class DropScanner(string pipeline, DropFolder folder, AlpacaMetrics metrics, TimeProvider time, ILogger log)
{
    private const int MostAtOnce = 256;
    private static readonly TimeSpan LongestGathering = TimeSpan.FromSeconds(1);
    private readonly DropSightings _sightings = new(folder, time);
    private readonly AcceptedDrops _accepted = new(folder);
    private readonly Lock _scanning = new();
    private Drop? _firstStaying;
    private string? _whyStaying;
    private int _staying;

    /// <summary>Looks once.</summary>
    /// <param name="whenIdle">
    /// Runs its argument unless the pipeline is running, and says whether it did: accepted files are training data, which must not change under a run. A good file waits
    /// until then; a bad one is refused at once. It is asked once for many files, as each time costs a lock, a list and a note on the disk.
    /// </param>
    /// <param name="cancellationToken">Ends it early, between files or within one.</param>
    /// <returns>How many files were accepted.</returns>
    public int Scan(Func<Action, bool> whenIdle, CancellationToken cancellationToken = default)
    {
        lock (_scanning) return Look(whenIdle, cancellationToken);
    }

    private int Look(Func<Action, bool> whenIdle, CancellationToken cancellationToken)
    {
        (_firstStaying, _staying) = (null, 0);
        var still = _sightings.Look(cancellationToken);
        if (still.Count == 0) return 0;
        _accepted.Refresh(isAlone: false);
        var (accepted, isBusy, good, since) = (0, false, new List<Drop>(), time.GetTimestamp());
        for (var i = 0; i < still.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (IsGood(still[i], cancellationToken)) good.Add(still[i]);
            if (i < still.Count - 1 && good.Count < MostAtOnce && time.GetElapsedTime(since) < LongestGathering) continue;
            if (good.Count > 0) accepted += Take(good, whenIdle, ref isBusy);
            good.Clear();
            since = time.GetTimestamp();
        }

        ReportStaying();
        return accepted;
    }

    /// <summary>Reads a drop unless that was done, and refuses a bad one.</summary>
    private bool IsGood(Drop drop, CancellationToken cancellationToken)
    {
        try
        {
            if (drop.Verdict is null)
            {
                var verdict = DropJudge.Judge(drop.Path, drop.State.Kind, cancellationToken);
                if (!drop.IsUnchanged()) return false; // It has to come to rest again, and is another drop then.
                drop.Verdict = verdict;
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _sightings.AddFailure(drop);
            Stay(drop, e);
            return false;
        }

        if (WhyNot(drop) is not { } reason) return true;
        Reject(drop, reason);
        return false;
    }

    /// <summary>Accepts good files, if nobody runs the pipeline.</summary>
    /// <returns>How many.</returns>
    private int Take(List<Drop> good, Func<Action, bool> whenIdle, ref bool isBusy)
    {
        var taken = new List<Drop>();

        // Looked at again where nobody else can accept anything: another worker may have taken the same content just now.
        isBusy = isBusy || !whenIdle(() =>
        {
            try
            {
                _accepted.Refresh(isAlone: true);
                Accept(good, taken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                good.ForEach(drop => Stay(drop, e));
            }
        });

        foreach (var drop in good.Except(taken))
        {
            if (WhyNot(drop) is { } duplicate) Reject(drop, duplicate);
            else if (isBusy && !drop.IsReported)
            {
                drop.IsReported = true;
                log.DropWaits(drop.Name);
            }
        }

        foreach (var drop in taken)
        {
            log.DropAccepted(drop.Name, drop.Verdict!.Samples);
            metrics.DropAccepted(pipeline, drop.Verdict.Samples);
        }

        return taken.Count;
    }

    private void Accept(List<Drop> good, List<Drop> taken)
    {
        var contents = new HashSet<string>();
        var news = good.Where(drop => WhyNot(drop) is null && drop.IsUnchanged() && contents.Add(drop.Verdict!.Sha256!)).ToList();
        if (news.Count == 0) return;

        // First the note, then the moves: a crash in between costs a run that has nothing to do, the other way round a run that never comes.
        var noted = news.Sum(drop => (long)drop.Verdict!.Samples);
        NewSamples.Add(folder, noted);
        foreach (var drop in news)
        {
            try
            {
                var name = DropNames.Accepted(drop.Verdict!.Sha256!, Path.GetFileName(drop.Path));
                DropFiles.Move(drop.Path, Path.Combine(folder.Accepted, name));
                _accepted.Add(name);
                taken.Add(drop);
                noted -= drop.Verdict.Samples;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Stay(drop, e);
            }
        }

        if (noted > 0) NewSamples.Add(folder, -noted);
    }

    private string? WhyNot(Drop drop)
        => drop.Verdict!.Reason ?? (_accepted.Find(drop.Verdict.Sha256!) is { } same ? $"{drop.Name} is a duplicate of accepted/{same}." : null);

    private void Reject(Drop drop, string reason)
    {
        try
        {
            if (!drop.IsUnchanged()) return;
            var file = Path.GetFileName(drop.Path);
            var written = new DropReason(EscapedName.IsPlain(file) ? file : drop.Name, reason, drop.Verdict!.Sha256, time.GetUtcNow());
            written.MoveWith(drop.Path, DropNames.Free(folder.Rejected, written));
            log.DropRejected(drop.Name, reason);
            metrics.DropRejected(pipeline);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Stay(drop, e);
        }
    }

    private void Stay(Drop drop, Exception why)
    {
        if (drop.IsReported || drop.IsGone()) return; // Another worker that watches the folder may have taken it.
        drop.IsReported = true;
        if (_staying++ == 0) (_firstStaying, _whyStaying) = (drop, why.Message);
    }

    /// <summary>One line for all: a full disk would otherwise fill the log, too.</summary>
    private void ReportStaying()
    {
        if (_firstStaying is null) return;
        if (_staying == 1) log.DropStays(_firstStaying.Name, _whyStaying!);
        else log.DropsStay(_firstStaying.Name, _staying - 1, _whyStaying!);
    }
}
