using System.Collections.Concurrent;
using Alpaca.Abstractions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Runs pipelines for the service: with lines in the log instead of bars, and until the service stops.</summary>
/// <param name="settings">The configuration.</param>
/// <param name="runner">Runs them.</param>
/// <param name="watched">Knows their drop folders.</param>
/// <param name="scanners">Look through them.</param>
/// <param name="lifetime">Says when the service stops.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Gets the lines.</param>
internal sealed class ServiceRunner(
    AlpacaSettings settings, PipelineRunner runner, WatchedPipelines watched, DropScanners scanners, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ServiceRunner> log)
{
    private readonly LineProgress _progress = new(log.RunProgress, time);
    private readonly ConcurrentDictionary<string, string> _unfinished = new();

    /// <summary>The pipelines that run or were cut short by the stop of the service, with what started them.</summary>
    public IReadOnlyDictionary<string, string> Unfinished => _unfinished;

    /// <summary>Runs a pipeline, after whoever is running it by hand.</summary>
    /// <param name="pipeline">Its name.</param>
    /// <param name="trigger">What starts it.</param>
    /// <param name="cancellationToken">Ends it early; so does a service that stops.</param>
    /// <returns>The run's record; <see langword="null"/> where a run for new data has none left to see.</returns>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public async Task<RunRecord?> RunAsync(string pipeline, string trigger, CancellationToken cancellationToken)
    {
        var drops = watched.DropsOf(pipeline);
        var options = new RunOptions
        {
            Trigger = trigger,
            WaitForOthers = true,
            StageChanged = LogEnd,
            Starting = drops is null ? null : () => TakeIn(pipeline, drops),
            Succeeded = drops is null ? null : () => NewSamples.Clear(drops),
        };

        // Cancelled at the first sign of a stop, so that all the time there is goes to the checkpoint.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping, cancellationToken);
        _unfinished[pipeline] = trigger;
        try
        {
            if (trigger == RunTriggers.Drop && (drops is null || !await HasNewSamplesAsync(pipeline, drops, either.Token))) return null;
            var run = await Task.Run(() => runner.RunAsync(settings.GetPipeline(pipeline), options, _progress, either.Token), CancellationToken.None);
            if (run.Outcome == RunOutcome.Succeeded) _unfinished.TryRemove(pipeline, out _); // whether or not the service stops at this very moment
            return run;
        }
        finally
        {
            if (!lifetime.ApplicationStopping.IsCancellationRequested) _unfinished.TryRemove(pipeline, out _);
        }
    }

    /// <summary>Looks when nobody runs the pipeline any more: whoever did may have seen them all.</summary>
    private async Task<bool> HasNewSamplesAsync(string pipeline, DropFolder drops, CancellationToken cancellationToken)
    {
        using var idle = await WorkspaceLock.ForPipelineAsync(settings.WorkspaceFolder, pipeline, cancellationToken);
        return NewSamples.Read(drops).Count > 0;
    }

    /// <summary>Accepts what came while the pipeline was running and has waited since. A folder that cannot be read keeps no run from its data of before.</summary>
    private void TakeIn(string pipeline, DropFolder drops)
    {
        try
        {
            scanners.Of(pipeline).Scan(WhenIdle, lifetime.ApplicationStopping);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or AlpacaException)
        {
            log.DropFolderProblem(drops.Path, e.Message);
        }

        static bool WhenIdle(Action action)
        {
            action(); // The run that begins is the one that nobody else's is under way beside.
            return true;
        }
    }

    /// <summary>The runner logs a stage's start by itself.</summary>
    private void LogEnd(StageRecord stage)
    {
        if (stage.Outcome != StageOutcome.Running && StageLines.Describe(stage) is { } line) log.RunProgress(line);
    }
}
