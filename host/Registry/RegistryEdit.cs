using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Changes to the registry of a pipeline under its lock, and what is to be told about them once the lock is free.</summary>
internal sealed class RegistryEdit(string pipeline, RegistryFolder folder, TimeProvider time)
{
    private readonly List<(Action<ILogger> Log, Action<IRegistryObserver> Tell)> _events = [];

    /// <summary>The aliases as they are now.</summary>
    public RegistryAliases Aliases => folder.Aliases();

    /// <summary>Clears away what a process that died under the lock has left.</summary>
    public void Begin() => folder.RemoveLeftovers();

    /// <summary>Registers a version.</summary>
    /// <param name="create">Makes the version of the number it gets.</param>
    public ModelVersion Add(Func<int, ModelVersion> create)
    {
        // The file of the last version may have been removed, and an alias that still names it must not come to mean another.
        var (champion, candidate, previous) = Aliases;
        return folder.Add(new[] { champion, candidate, previous }.Max() ?? 0, create);
    }

    /// <summary>Makes a version the candidate, and nothing else.</summary>
    public void Nominate(ModelVersion version, string reason)
    {
        folder.Write(Aliases with { Candidate = version.Number });
        if (version.Verdict.Passed) _events.Add((log => log.VersionWaits(pipeline, version.Number, reason), _ => { }));
        else _events.Add((log => log.VersionFailed(pipeline, version.Number, reason), observer => observer.Rejected(pipeline, version, reason)));
    }

    /// <summary>Makes a version the champion, unless it is; the champion so far becomes the previous one.</summary>
    public void Promote(ModelVersion version, string reason, bool asCandidate = false)
    {
        var aliases = Aliases;
        var changed = aliases with
        {
            Champion = version.Number,
            Previous = aliases.Champion == version.Number ? aliases.Previous : aliases.Champion,
            Candidate = asCandidate ? version.Number : aliases.Candidate,
        };
        if (changed == aliases) return;
        folder.Write(changed);
        _events.Add((log => log.VersionPromoted(pipeline, version.Number, reason), observer => observer.Promoted(pipeline, version, reason)));
    }

    /// <summary>Goes back to an earlier version.</summary>
    public void RollBack(ModelVersion version, RegistryAliases aliases, string reason)
    {
        folder.Write(aliases);
        _events.Add((log => log.RolledBack(pipeline, version.Number, reason), observer => observer.RolledBack(pipeline, version, reason)));
    }

    /// <summary>Marks a version as taken back.</summary>
    public void Reject(ModelVersion version, string reason)
    {
        folder.Write(version.Number, new VersionRejection(reason, time.GetUtcNow()));
        _events.Add((log => log.VersionTakenBack(pipeline, version.Number, reason), observer => observer.Rejected(pipeline, version, reason)));
    }

    /// <summary>Takes the mark of a version away.</summary>
    public void Lift(int number) => folder.Write(number, rejection: null);

    /// <summary>Tells what was done.</summary>
    public void Tell(IReadOnlyList<IRegistryObserver> observers, ILogger log)
    {
        foreach (var (write, tell) in _events)
        {
            write(log);
            observers.Tell(tell, "version", log);
        }
    }
}
