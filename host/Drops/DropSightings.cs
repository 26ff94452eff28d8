namespace Alpaca.Host;

/// <summary>Something in a drop folder, as it was seen.</summary>
internal sealed class Drop(string path, DropState state, long since)
{
    public string Path { get; } = path;

    /// <summary>Its name, as it may be shown.</summary>
    public string Name { get; } = DropNames.Printable(System.IO.Path.GetFileName(path));

    public DropState State { get; } = state;

    /// <summary>The timestamp since which it has looked so.</summary>
    public long Since { get; } = since;

    /// <summary>What was found out about it, once it was read.</summary>
    public DropVerdict? Verdict { get; set; }

    /// <summary>Whether the log says already why it is still there.</summary>
    public bool IsReported { get; set; }

    /// <summary>How often it could not be read.</summary>
    public int Failures { get; set; }

    /// <summary>The timestamp of the last time.</summary>
    public long FailedAt { get; set; }

    /// <summary>Whether it still looks as it did.</summary>
    public bool IsUnchanged() => DropFiles.StateOf(Path) == State;

    /// <summary>Whether nothing has its name any more, as far as can be told.</summary>
    public bool IsGone()
    {
        try
        {
            return DropFiles.StateOf(Path) is null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

/// <summary>What lies in a drop folder, and since when it has been still.</summary>
/// <remarks>
/// Only how a file looks from one time to the next counts, by a clock that nobody sets: a file's own times are of other machines' clocks, and may lie in the future or have been
/// copied with it.
/// </remarks>
internal sealed class DropSightings(DropFolder folder, TimeProvider time)
{
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(5);
    private Dictionary<string, Drop> _drops = [];

    /// <summary>Looks once.</summary>
    /// <returns>What has been still long enough, in ordinal order of the names.</returns>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public IReadOnlyList<Drop> Look(CancellationToken cancellationToken)
    {
        var (seen, still) = (new Dictionary<string, Drop>(), new List<Drop>());
        foreach (var name in DropFiles.Names(folder.Path))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var path = Path.Combine(folder.Path, name);
            if (DropNames.IsUnfinished(name) || path == folder.Accepted || path == folder.Rejected || DropFiles.StateOf(path) is not { } state) continue;
            var now = time.GetTimestamp();
            var drop = _drops.GetValueOrDefault(path) is { } known && known.State == state ? known : new Drop(path, state, now);
            seen.Add(path, drop);
            if (time.GetElapsedTime(drop.Since, now) >= folder.Quiet && !WaitsForRetry(drop, now)) still.Add(drop);
        }

        _drops = seen;
        return still;
    }

    /// <summary>Notes that it could not be read: the next time comes after a while, twice as long each time, since reading may be long.</summary>
    public void AddFailure(Drop drop) => (drop.Failures, drop.FailedAt) = (drop.Failures + 1, time.GetTimestamp());

    private bool WaitsForRetry(Drop drop, long now)
        => drop.Failures > 0 && time.GetElapsedTime(drop.FailedAt, now).TotalSeconds < Math.Min(LongestRetry.TotalSeconds, folder.Quiet.TotalSeconds * Math.Pow(2, drop.Failures - 1));
}
