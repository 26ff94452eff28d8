using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>
/// The versions of each pipeline's models, and which of them is the champion: files in the workspace, shared by everyone who shares that. Safe to use from several threads and processes: whatever changes is changed by one
/// at a time, in one step.
/// </summary>
public sealed class ModelRegistry
{
    private readonly ArtifactStore _store;
    private readonly TimeProvider _time;
    private readonly IReadOnlyList<IRegistryObserver> _observers;
    private readonly ILogger _log;

    /// <summary>Opens the registry of a workspace; nothing is touched before the first use.</summary>
    public ModelRegistry(ArtifactStore store, TimeProvider time, IEnumerable<IRegistryObserver> observers, ILogger<ModelRegistry> log)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(observers);
        ArgumentNullException.ThrowIfNull(log);
        (_store, _time, _observers, _log) = (store, time, [.. observers], log);
    }

    /// <summary>The versions of a pipeline, the newest first.</summary>
    /// <exception cref="AlpacaException">A file of the registry is damaged or cannot be read.</exception>
    public IReadOnlyList<ModelVersion> List(string pipeline)
    {
        var folder = Folder(pipeline);
        return [.. folder.Numbers().Reverse().Select(folder.Version).OfType<ModelVersion>()];
    }

    /// <summary>A version by its number.</summary>
    /// <exception cref="AlpacaException">There is none, or its file is damaged or cannot be read.</exception>
    public ModelVersion Get(string pipeline, int number)
        => Folder(pipeline).Version(number) ?? throw new AlpacaException($"There is no version {number} of pipeline {pipeline} in {_store.Workspace}; `alpaca models --pipeline {pipeline}` lists them.");

    /// <summary>The aliases of a pipeline's versions; none of them is set before the first run.</summary>
    /// <exception cref="AlpacaException">Their file is damaged or cannot be read.</exception>
    public RegistryAliases Aliases(string pipeline) => Folder(pipeline).Aliases();

    /// <summary>The champion, or <see langword="null"/> where there is none yet.</summary>
    /// <exception cref="AlpacaException">A file of the registry is missing, damaged or cannot be read.</exception>
    public ModelVersion? Champion(string pipeline) => Aliases(pipeline).Champion is { } number ? Get(pipeline, number) : null;

    /// <summary>Why a version was taken back after its promotion, or <see langword="null"/>.</summary>
    /// <exception cref="AlpacaException">The file is damaged or cannot be read.</exception>
    public VersionRejection? Rejection(string pipeline, int number) => Folder(pipeline).Rejection(number);

    /// <summary>An artifact of a version, as long as it is in the store as it was then.</summary>
    /// <exception cref="AlpacaException">It was removed, damaged or made anew.</exception>
    public StoredArtifact Find(ModelVersion version, VersionArtifact artifact)
    {
        ArgumentNullException.ThrowIfNull(version);
        ArgumentNullException.ThrowIfNull(artifact);
        var found = _store.Find(artifact.Kind, artifact.Fingerprint, out var damage);
        if (found is not null && found.Manifest.Digest == artifact.Digest) return found;
        throw new AlpacaException(
            $"Version {version.Number} of pipeline {version.Pipeline} cannot be used: {(found is null ? damage ?? $"{artifact.Folder} is gone" : $"{artifact.Folder} was made anew with other content")}; promote another version with `alpaca models promote`.");
    }

    /// <summary>Makes a version the champion.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="number">The version.</param>
    /// <param name="force">Whether one that failed a rule, or was taken back, is promoted all the same.</param>
    /// <param name="reason">Why, one sentence.</param>
    /// <returns>The version.</returns>
    /// <exception cref="AlpacaException">There is none of that number, it is not to be promoted, its artifacts are gone, or the registry cannot be used.</exception>
    public ModelVersion Promote(string pipeline, int number, bool force = false, string reason = "Promoted by hand.") => Change(pipeline, edit =>
    {
        var version = Get(pipeline, number);
        var rejection = Rejection(pipeline, number);
        if (!force && rejection is not null) throw new AlpacaException($"Version {number} of pipeline {pipeline} was taken back: {rejection.Reason} Promote it all the same with --force.");
        if (!force && !version.Verdict.Passed) throw new AlpacaException($"Version {number} of pipeline {pipeline} did not pass: {version.Verdict.Reason} Promote it all the same with --force.");
        foreach (var artifact in version.Artifacts) Find(version, artifact);
        if (rejection is not null) edit.Lift(number);
        edit.Promote(version, reason);
        return version;
    });

    /// <summary>Makes the previous champion the champion again, and the champion the previous one.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="reason">Why, one sentence.</param>
    /// <returns>The version that is the champion now.</returns>
    /// <exception cref="AlpacaException">There is no previous champion, its artifacts are gone, or the registry cannot be used.</exception>
    public ModelVersion RollBack(string pipeline, string reason = "Rolled back by hand.") => Change(pipeline, edit =>
    {
        var aliases = edit.Aliases;
        if (aliases.Previous is not { } number) throw new AlpacaException($"Pipeline {pipeline} has no previous version to go back to; `alpaca models --pipeline {pipeline}` lists what there is.");
        var version = Get(pipeline, number);
        foreach (var artifact in version.Artifacts) Find(version, artifact);
        edit.RollBack(version, aliases with { Champion = number, Previous = aliases.Champion }, reason);
        return version;
    });

    /// <summary>Takes a champion back that turned out to be unusable: the previous one is the champion again, and this one is marked and not promoted again by itself.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="number">The version.</param>
    /// <param name="reason">Why, one sentence.</param>
    /// <returns>The version that is the champion now; <see langword="null"/> where that one is not the champion any more, or there is none to go back to: then nothing is changed.</returns>
    /// <exception cref="AlpacaException">The registry cannot be used.</exception>
    public ModelVersion? TakeBack(string pipeline, int number, string reason) => Change(pipeline, edit =>
    {
        var aliases = edit.Aliases;
        if (aliases.Champion != number || aliases.Previous is not { } earlier) return null;
        var version = Get(pipeline, earlier);
        edit.Reject(Get(pipeline, number), reason);
        edit.RollBack(version, aliases with { Champion = earlier, Previous = null }, reason);
        return version;
    });

    /// <summary>Changes the registry of a pipeline, alone; observers are told afterwards.</summary>
    internal T Change<T>(string pipeline, Func<RegistryEdit, T> change)
    {
        var edit = new RegistryEdit(pipeline, Folder(pipeline), _time);
        T result;
        using (WorkspaceLock.ForRegistry(_store.Workspace, pipeline))
        {
            edit.Begin();
            result = change(edit);
        }

        edit.Tell(_observers, _log);
        return result;
    }

    private RegistryFolder Folder(string pipeline) => new(_store.Workspace, pipeline);
}
