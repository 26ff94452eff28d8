using System.Collections.Concurrent;
using System.Diagnostics;

namespace Alpaca.Host;

/// <summary>Measures and traces runs: a span for each run, and in it one for each stage.</summary>
internal sealed class RunTelemetry(AlpacaMetrics metrics) : IRunObserver
{
    private static readonly ActivitySource Source = new(AlpacaMetrics.Name);
    private readonly ConcurrentDictionary<long, Activity> _runs = new();
    private readonly ConcurrentDictionary<(long Run, string Stage), Activity> _stages = new();

    /// <inheritdoc />
    public void RunStarted(RunRecord run)
    {
        // A trace of its own, whatever started the run.
        var span = Source.StartActivity($"run {run.Pipeline}", ActivityKind.Internal, default(ActivityContext), [new("alpaca.run", run.Id), new("alpaca.pipeline", run.Pipeline), new("alpaca.trigger", run.Trigger)]);
        if (span is not null) _runs[run.Id] = span;
    }

    /// <inheritdoc />
    public void StageChanged(RunRecord run, StageRecord stage)
    {
        if (stage.Outcome == StageOutcome.Running)
        {
            if (_runs.TryGetValue(run.Id, out var parent) && Source.StartActivity($"stage {stage.Name}", ActivityKind.Internal, parent.Context, [new("alpaca.stage", stage.Name), new("alpaca.uses", stage.Uses), new("alpaca.reason", stage.Reason)]) is { } span)
                _stages[(run.Id, stage.Name)] = span;
            return;
        }

        metrics.StageEnded(run.Pipeline, stage);
        if (_stages.TryRemove((run.Id, stage.Name), out var ended)) End(ended, stage.Outcome.ToString(), stage.Error);
    }

    /// <inheritdoc />
    public void RunEnded(RunRecord run)
    {
        metrics.RunEnded(run);
        if (_runs.TryRemove(run.Id, out var ended)) End(ended, run.Outcome.ToString(), run.Error);
    }

    private static void End(Activity span, string outcome, string? error)
    {
        span.SetTag("alpaca.outcome", outcome);
        if (error is not null) span.SetStatus(ActivityStatusCode.Error, error);
        span.Dispose();
    }
}
