using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Runs pipelines: skips what is up to date, publishes what is made, and keeps a record.</summary>
public sealed class PipelineRunner
{
    private readonly PipelinePlanner _planner;
    private readonly ArtifactStore _store;
    private readonly RunStore _runs;
    private readonly DiskSpace _disk;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;

    /// <summary>Runs pipelines in a workspace.</summary>
    public PipelineRunner(PipelinePlanner planner, ArtifactStore store, RunStore runs, DiskSpace disk, TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(loggers);
        (_planner, _store, _runs, _disk, _time, _loggers) = (planner, store, runs, disk, time, loggers);
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
        using var running = WorkspaceLock.ForPipeline(_store.Workspace, pipeline.Name);
        _store.RemoveLeftovers();
        _runs.MarkInterrupted();

        var id = _runs.Start(pipeline.Name, options.Trigger, _time.GetUtcNow());
        _log.LogInformation("Run {Run} of pipeline {Pipeline} started ({Trigger})", id, pipeline.Name, options.Trigger);
        try
        {
            var made = new Dictionary<string, StoredArtifact>();
            for (var i = 0; i < wired.Stages.Count; i++)
            {
                var ordinal = i;
                made[wired.Stages[i].Name] = await RunStageAsync(wired.Stages[i], pipeline, options, made, progress, Save, cancellationToken).ConfigureAwait(false);

                void Save(StageRecord stage)
                {
                    _runs.Save(id, ordinal, stage);
                    options.StageChanged?.Invoke(stage);
                }
            }

            _runs.Finish(id, RunOutcome.Succeeded, null, _time.GetUtcNow());
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _runs.Finish(id, RunOutcome.Cancelled, null, _time.GetUtcNow());
            _log.LogInformation("Run {Run} of pipeline {Pipeline} was cancelled", id, pipeline.Name);
            throw;
        }
        catch (StageFailedException e)
        {
            _runs.Finish(id, RunOutcome.Failed, e.Message, _time.GetUtcNow());
            _log.LogError("Run {Run} of pipeline {Pipeline} failed: {Error}", id, pipeline.Name, e.Message);
        }

        return _runs.Get(id);
    }

    private async Task<StoredArtifact> RunStageAsync(
        WiredStage stage, PipelineDefinition pipeline, RunOptions options, IReadOnlyDictionary<string, StoredArtifact> made, IStageProgress progress,
        Action<StageRecord> save, CancellationToken cancellationToken)
    {
        var record = new StageRecord(
            stage.Name, stage.Plugin.Name, StageOutcome.Running, "", _time.GetUtcNow(), null, new Dictionary<string, double>(), null, stage.Plugin.ArtifactKind, null);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            var prepared = _planner.Prepare(stage, pipeline, made, progress, cancellationToken);
            using var making = await WorkspaceLock.ForArtifactAsync(_store.Workspace, prepared.Fingerprint, cancellationToken).ConfigureAwait(false);
            var (existing, reason) = _planner.Decide(prepared, pipeline, options);
            record = record with { Reason = reason };
            save(record);
            _log.LogInformation("Stage {Stage}: {Reason}", stage.Name, reason);
            var artifact = existing ?? await ExecuteAsync(prepared, pipeline, progress, cancellationToken).ConfigureAwait(false);
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
            throw new StageFailedException($"Stage {stage.Name} failed: {error}");
        }
    }

    private async Task<StoredArtifact> ExecuteAsync(PreparedStage prepared, PipelineDefinition pipeline, IStageProgress progress, CancellationToken cancellationToken)
    {
        var (stage, kind) = (prepared.Stage, prepared.Stage.Plugin.ArtifactKind);
        _disk.Require(stage.Name, kind, prepared.InputBytes, _store.Workspace);
        using var pending = _store.Begin(kind, prepared.Fingerprint);
        var resume = Directory.CreateDirectory(_store.ResumeFolderOf(prepared.Fingerprint)).FullName;
        var startedAt = _time.GetUtcNow();
        Artifact artifact;
        try
        {
            var context = new StageContext
            {
                OutputFolder = pending.Folder,
                ResumeFolder = resume,
                CacheFolder = _store.CacheFolder,
                Progress = progress,
                Logger = _loggers.CreateLogger($"Alpaca.Stage.{stage.Name}"),
                TimeProvider = _time,
            };
            artifact = await stage.Plugin.ExecuteAsync(prepared.Request, context, cancellationToken).ConfigureAwait(false);
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
            Metrics = new Dictionary<string, double>(artifact.Metrics),
            Artifact = PlainJson.FromObject(artifact),
            StartedAt = startedAt,
            FinishedAt = _time.GetUtcNow(),
        });
        DurableFolder.TryDelete(resume);
        return published;
    }
}
