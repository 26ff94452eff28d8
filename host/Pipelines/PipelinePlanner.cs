using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Finds out which stages of a pipeline a run would execute, and why.</summary>
public sealed class PipelinePlanner
{
    /// <summary>The reason of a stage that is skipped.</summary>
    public const string UpToDate = "up to date";

    private readonly PipelineValidator _validator;
    private readonly ArtifactStore _store;
    private readonly ModelRegistry _registry;
    private readonly StagePreparer _preparer;

    /// <summary>Plans over a workspace.</summary>
    public PipelinePlanner(PipelineValidator validator, ArtifactStore store, ModelRegistry registry, ContentDigests digests)
    {
        ArgumentNullException.ThrowIfNull(validator);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(digests);
        (_validator, _store, _registry, _preparer) = (validator, store, registry, new StagePreparer(digests, registry));
    }

    /// <summary>Plans a run without changing anything but remembered digests.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="options">Which stages, and which of them by force.</param>
    /// <param name="progress">Told about large input files that are read for the first time.</param>
    /// <param name="cancellationToken">Ends the reading early.</param>
    /// <returns>The stages up to the last that was asked for, in order.</returns>
    /// <exception cref="AlpacaUsageException">The pipeline cannot be run as it is configured.</exception>
    public IReadOnlyList<PlannedStage> Plan(
        PipelineDefinition pipeline, RunOptions? options = null, IStageProgress? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new RunOptions();
        var wired = Wire(pipeline, options);
        var made = new Dictionary<string, StoredArtifact>();
        var plan = new List<PlannedStage>();
        foreach (var stage in wired.Stages)
        {
            var waitsFor = stage.Wiring.SelectMany(w => w.Value, (w, source) => (Option: w.Key, Source: source)).FirstOrDefault(w => w.Source != ChampionInput.Name && !made.ContainsKey(w.Source));
            if (waitsFor.Source is not null)
            {
                plan.Add(new PlannedStage(stage.Name, stage.Plugin.Name, false, $"input {waitsFor.Option}: stage {waitsFor.Source} runs first", stage.Plugin.ArtifactKind, null, null));
                continue;
            }

            var prepared = Prepare(stage, wired, made, progress ?? NullProgress.Instance, cancellationToken);
            var decision = Decide(prepared, pipeline, options);
            if (decision.Existing is not null) made.Add(stage.Name, decision.Existing);
            var kind = stage.Plugin.ArtifactKind;
            plan.Add(new PlannedStage(
                stage.Name, stage.Plugin.Name, decision.Existing is not null, decision.Reason, kind, prepared.Fingerprint, _store.FolderOf(kind, prepared.Fingerprint)));
        }

        return plan;
    }

    /// <summary>Checks the pipeline, the stage names in the options and the existence of every path, leaves out what comes after the last stage, and finds the champion.</summary>
    internal WiredPipeline Wire(PipelineDefinition pipeline, RunOptions options)
    {
        var wired = _validator.Wire(pipeline);
        var names = wired.Stages.Select(s => s.Name).ToList();
        var errors = new List<string>();
        foreach (var forced in options.Force.Where(f => !f.Equals(RunOptions.All, StringComparison.OrdinalIgnoreCase))) CheckName("--force", forced);
        if (options.Until is { } until)
        {
            CheckName("--until", until);
            wired = wired with { Stages = [.. wired.Stages.Take(names.IndexOf(until) + 1)] };
        }

        errors.AddRange(wired.Stages.SelectMany(s => StagePreparer.MissingPaths(s, pipeline.Paths)));
        if (errors.Count == 0) return wired with { Champion = pipeline.Promotion is null ? null : _registry.Champion(pipeline.Name) };
        throw new AlpacaUsageException(string.Join(Environment.NewLine, errors));

        void CheckName(string option, string name)
        {
            if (!names.Contains(name))
                errors.Add($"{option} names the stage '{name}', which pipeline {pipeline.Name} does not have (there is {string.Join(", ", names)}){NearestName.Suggest(name, names)}");
        }
    }

    internal PreparedStage Prepare(
        WiredStage stage, WiredPipeline pipeline, IReadOnlyDictionary<string, StoredArtifact> made, IStageProgress progress, CancellationToken cancellationToken)
        => _preparer.Prepare(stage, pipeline, made, progress, cancellationToken);

    /// <summary>Whether a stage can be skipped: then with its artifact, and otherwise with the reason.</summary>
    internal (StoredArtifact? Existing, string Reason) Decide(PreparedStage stage, PipelineDefinition pipeline, RunOptions options)
    {
        var kind = stage.Stage.Plugin.ArtifactKind;
        if (options.Forces(stage.Stage.Name)) return (null, "forced");
        if (_store.Find(kind, stage.Fingerprint, out var damage) is { } existing) return (existing, UpToDate);
        return (null, damage ?? ChangeReason.Describe(stage, _store.Latest(kind, pipeline.Name, stage.Stage.Name)));
    }
}
