using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Runs pipelines: skips what is up to date, publishes what is made, and keeps a record.</summary>
public sealed class PipelineRunner
{
    private readonly IPluginCatalog _catalog;
    private readonly PipelinePlanner _planner;
    private readonly ArtifactStore _store;
    private readonly RunStore _runs;
    private readonly IStageExecutor _executor;
    private readonly PromotionGate _gate;
    private readonly DiskSpace _disk;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly IReadOnlyList<IRunObserver> _observers;
    private readonly ILogger _log;

    /// <summary>Runs pipelines in a workspace.</summary>
    public PipelineRunner(
        IPluginCatalog catalog, PipelinePlanner planner, ArtifactStore store, RunStore runs, IStageExecutor executor, PromotionGate gate, DiskSpace disk, TimeProvider time,
        ILoggerFactory loggers, IEnumerable<IRunObserver> observers)
    {
        ArgumentNullException.ThrowIfNull(loggers);
        (_catalog, _planner, _store, _runs, _executor, _gate, _disk, _time, _loggers, _observers) = (catalog, planner, store, runs, executor, gate, disk, time, loggers, [.. observers]);
        _log = loggers.CreateLogger<PipelineRunner>();
    }

    /// <summary>Runs a pipeline to its end or to the first stage that fails.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="options">Which stages, and which of them by force.</param>
    /// <param name="progress">Told how far the stages are.</param>
    /// <param name="cancellationToken">Ends the run early; the next one goes on from there.</param>
    /// <returns>The run's record: succeeded, or failed with the reason.</returns>
    /// <exception cref="AlpacaUsageException">The pipeline cannot be run as it is configured; nothing was started or recorded.</exception>
    /// <exception cref="AlpacaException">The pipeline is already running in this workspace, or the workspace cannot be written to.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the record says so.</exception>
    public async Task<RunRecord> RunAsync(
        PipelineDefinition pipeline, RunOptions? options = null, IStageProgress? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        options ??= new RunOptions();
        progress ??= NullProgress.Instance;
        var wired = _planner.Wire(pipeline, options);
        using var running = options.WaitForOthers
            ? await WorkspaceLock.ForPipelineAsync(_store.Workspace, pipeline.Name, cancellationToken).ConfigureAwait(false)
            : WorkspaceLock.ForPipeline(_store.Workspace, pipeline.Name);
        _store.RemoveLeftovers();
        _runs.MarkInterrupted(pipeline.Name);
        options.Starting?.Invoke();

        var id = _runs.Start(pipeline.Name, options.Trigger, _time.GetUtcNow());
        var started = _runs.Get(id);
        Tell(observer => observer.RunStarted(started));
        _log.LogInformation("Run {Run} of pipeline {Pipeline} started ({Trigger})", id, pipeline.Name, options.Trigger);
        try
        {
            var made = new Dictionary<string, StoredArtifact>();
            for (var i = 0; i < wired.Stages.Count; i++)
            {
                var ordinal = i;
                made[wired.Stages[i].Name] = await RunStageAsync(wired.Stages[i], wired, options, made, progress, Save, cancellationToken).ConfigureAwait(false);

                void Save(StageRecord stage)
                {
                    _runs.Save(id, ordinal, stage);
                    options.StageChanged?.Invoke(stage);
                    Tell(observer => observer.StageChanged(started, stage));
                }
            }

            var verdict = Judge(wired, id, made);
            options.Succeeded?.Invoke();
            return Finish(id, RunOutcome.Succeeded, verdict: verdict);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Finish(id, RunOutcome.Cancelled);
            _log.LogInformation("Run {Run} of pipeline {Pipeline} was cancelled", id, pipeline.Name);
            throw;
        }
        catch (StageFailedException e)
        {
            var failed = Finish(id, RunOutcome.Failed, e.Message);
            _log.LogError("Run {Run} of pipeline {Pipeline} failed: {Error}", id, pipeline.Name, e.Message);
            return failed with { IsTransient = e.IsTransient };
        }
    }

    private RunRecord Finish(long id, RunOutcome outcome, string? error = null, PromotionVerdict? verdict = null)
    {
        _runs.Finish(id, outcome, error, _time.GetUtcNow(), verdict);
        var ended = _runs.Get(id);
        Tell(observer => observer.RunEnded(ended));
        return ended;
    }

    /// <summary>Lets the gate judge what a whole run has made, where the pipeline has rules for that.</summary>
    private PromotionVerdict? Judge(WiredPipeline wired, long id, IReadOnlyDictionary<string, StoredArtifact> made)
    {
        if (wired.Definition.Promotion is null || !wired.IsWhole) return null;
        try
        {
            return _gate.Judge(wired, id, made);
        }
        catch (Exception e) when (e is AlpacaException or IOException or UnauthorizedAccessException)
        {
            throw new StageFailedException($"All stages are done, but their models could not be registered: {e.Message}") { IsTransient = TransientFailure.Is(e) };
        }
    }

    private void Tell(Action<IRunObserver> what) => _observers.Tell(what, "run", _log);

    private async Task<StoredArtifact> RunStageAsync(
        WiredStage stage, WiredPipeline pipeline, RunOptions options, IReadOnlyDictionary<string, StoredArtifact> made, IStageProgress progress,
        Action<StageRecord> save, CancellationToken cancellationToken)
    {
        var record = new StageRecord(
            stage.Name, stage.Plugin.Name, StageOutcome.Running, "", _time.GetUtcNow(), null, new Dictionary<string, double>(), null, stage.Plugin.ArtifactKind, null);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            var prepared = _planner.Prepare(stage, pipeline, made, progress, cancellationToken);
            using var making = await WorkspaceLock.ForArtifactAsync(_store.Workspace, prepared.Fingerprint, cancellationToken).ConfigureAwait(false);
            var (existing, reason) = _planner.Decide(prepared, pipeline.Definition, options);
            record = record with { Reason = reason };
            save(record);
            _log.LogInformation("Stage {Stage}: {Reason}", stage.Name, reason);
            var artifact = existing ?? await ExecuteAsync(prepared, pipeline.Definition, progress, cancellationToken).ConfigureAwait(false);
            save(record with
            {
                Outcome = existing is null ? StageOutcome.Succeeded : StageOutcome.Skipped,
                FinishedAt = _time.GetUtcNow(),
                Metrics = artifact.Manifest.Metrics,
                ArtifactFolder = artifact.Folder,
            });
            return artifact;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            save(record with { Outcome = StageOutcome.Cancelled, FinishedAt = _time.GetUtcNow() });
            throw;
        }
        catch (Exception e)
        {
            _log.LogDebug(e, "Stage {Stage} failed", stage.Name);
            var error = StageFailedException.Describe(e);
            save(record with { Outcome = StageOutcome.Failed, FinishedAt = _time.GetUtcNow(), Error = error });
            throw new StageFailedException($"Stage {stage.Name} failed: {error}") { IsTransient = TransientFailure.Is(e) };
        }
    }

    private async Task<StoredArtifact> ExecuteAsync(PreparedStage prepared, PipelineDefinition pipeline, IStageProgress progress, CancellationToken cancellationToken)
    {
        var (stage, kind) = (prepared.Stage, prepared.Stage.Plugin.ArtifactKind);
        _disk.Require(stage.Name, kind, prepared.InputBytes, _store.Workspace);
        using var pending = _store.Begin(kind, prepared.Fingerprint);
        var resume = Directory.CreateDirectory(_store.ResumeFolderOf(prepared.Fingerprint)).FullName;
        var startedAt = _time.GetUtcNow();
        ArtifactData artifact;
        try
        {
            var context = new StageContext
            {
                OutputFolder = pending.Folder,
                ResumeFolder = resume,
                CacheFolder = _store.CacheFolder,
                Progress = progress,
                Logger = _loggers.CreateLogger(StageWorker.LogCategory(stage.Name)),
                Backends = _catalog.Backends,
                TimeProvider = _time,
            };
            artifact = await _executor.ExecuteAsync(stage.Plugin, prepared.Request, context, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            DurableFolder.DeleteIfEmpty(resume);
        }

        var published = pending.Publish(new ArtifactManifest
        {
            Kind = kind,
            Fingerprint = prepared.Fingerprint,
            Pipeline = pipeline.Name,
            Stage = stage.Name,
            Uses = stage.Plugin.Name,
            Plugin = stage.Plugin.Plugin.Name,
            PluginVersion = stage.Plugin.Plugin.Version,
            Options = prepared.Options,
            Inputs = prepared.Inputs,
            Files = pending.Describe(progress, cancellationToken),
            Metrics = artifact.Metrics,
            Artifact = artifact.Properties,
            StartedAt = startedAt,
            FinishedAt = _time.GetUtcNow(),
        });
        DurableFolder.TryDelete(resume);
        return published;
    }
}
