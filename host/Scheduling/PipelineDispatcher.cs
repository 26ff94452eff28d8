using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Runs pipelines for the service, one at a time: training takes the whole machine.</summary>
internal sealed class PipelineDispatcher(AlpacaSettings settings, Func<PipelineDefinition, RunOptions, CancellationToken, Task<RunRecord>> run, ILogger<PipelineDispatcher> log) : IDisposable
{
    private readonly SemaphoreSlim _machine = new(1, 1);
    private readonly Lock _lock = new();
    private readonly HashSet<string> _busy = [];
    private readonly Dictionary<string, TaskCompletionSource> _ends = [];

    /// <summary>Runs a scheduled pipeline. Where it runs or waits already, this time is skipped; another pipeline's run is waited for.</summary>
    public async Task RunScheduledAsync(string pipeline, CancellationToken cancellationToken = default)
    {
        if (!TryReserve(pipeline))
        {
            log.ScheduleSkipped(pipeline);
            return;
        }

        await RunReservedAsync(pipeline, RunTriggers.Schedule, null, cancellationToken);
    }

    /// <summary>Runs a pipeline once the run that may be under way has ended.</summary>
    /// <param name="pipeline">Its name.</param>
    /// <param name="trigger">What starts it.</param>
    /// <param name="succeeded">Called after success, while the pipeline still counts as running.</param>
    /// <param name="cancellationToken">Ends the waiting or the run.</param>
    /// <returns>Whether it succeeded.</returns>
    public async Task<bool> RunAsync(string pipeline, string trigger, Action? succeeded = null, CancellationToken cancellationToken = default)
    {
        while (!TryReserve(pipeline))
        {
            if (EndOf(pipeline) is { } end) await end.WaitAsync(cancellationToken);
        }

        return await RunReservedAsync(pipeline, trigger, succeeded, cancellationToken);
    }

    /// <summary>Does something short that must not happen while a pipeline runs.</summary>
    /// <returns>Whether it was done; otherwise the pipeline runs.</returns>
    public bool WhenIdle(string pipeline, Action action)
    {
        lock (_lock)
        {
            if (_busy.Contains(pipeline)) return false;
            action();
            return true;
        }
    }

    /// <inheritdoc />
    public void Dispose() => _machine.Dispose();

    private bool TryReserve(string pipeline)
    {
        lock (_lock)
        {
            if (!_busy.Add(pipeline)) return false;
            _ends[pipeline] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return true;
        }
    }

    private Task? EndOf(string pipeline)
    {
        lock (_lock) return _busy.Contains(pipeline) ? _ends[pipeline].Task : null;
    }

    private void Release(string pipeline)
    {
        lock (_lock)
        {
            _busy.Remove(pipeline);
            _ends[pipeline].SetResult();
        }
    }

    private async Task<bool> RunReservedAsync(string pipeline, string trigger, Action? succeeded, CancellationToken cancellationToken)
    {
        try
        {
            await _machine.WaitAsync(cancellationToken);
            try
            {
                var record = await run(settings.GetPipeline(pipeline), new RunOptions { Trigger = trigger }, cancellationToken);
                if (record.Outcome != RunOutcome.Succeeded) return false;
                succeeded?.Invoke();
                return true;
            }
            finally
            {
                _machine.Release();
            }
        }
        catch (OperationCanceledException)
        {
            return false; // The service stops; the run has checkpointed and says in its record that it was cancelled.
        }
        catch (Exception e) when (e is AlpacaException or IOException or UnauthorizedAccessException)
        {
            log.RunNotStarted(pipeline, e.Message);
            return false;
        }
        finally
        {
            Release(pipeline);
        }
    }
}
