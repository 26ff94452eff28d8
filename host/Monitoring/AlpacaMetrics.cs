using System.Diagnostics.Metrics;

namespace Alpaca.Host;

/// <summary>What the service measures, as the meter <see cref="Name"/>. Names and units follow OpenTelemetry's conventions.</summary>
internal sealed class AlpacaMetrics
{
    /// <summary>The meter's name, and that of the source of traces.</summary>
    public const string Name = "Alpaca";

    private readonly Counter<long> _runs;
    private readonly Histogram<double> _runDuration;
    private readonly Histogram<double> _stageDuration;
    private readonly Gauge<double> _stageMetric;
    private readonly Counter<long> _drops;
    private readonly Counter<long> _droppedSamples;
    private readonly Counter<long> _notifications;
    private readonly Counter<long> _tokens;

    public AlpacaMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _runs = meter.CreateCounter<long>("alpaca.runs", "{run}", "Runs of pipelines that have ended, by pipeline, trigger and outcome");
        _runDuration = meter.CreateHistogram("alpaca.run.duration", "s", "How long runs took, by pipeline and outcome", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = LongSeconds });
        _stageDuration = meter.CreateHistogram("alpaca.stage.duration", "s", "How long stages took, by pipeline, stage and outcome", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = LongSeconds });
        _stageMetric = meter.CreateGauge<double>("alpaca.stage.metric", description: "The figures of stages' latest artifacts, by pipeline, stage and metric");
        _drops = meter.CreateCounter<long>("alpaca.drops", "{file}", "Dropped files, by pipeline and result");
        _droppedSamples = meter.CreateCounter<long>("alpaca.drop.samples", "{sample}", "Samples of accepted files, by pipeline");
        _notifications = meter.CreateCounter<long>("alpaca.notifications", "{notification}", "Notifications, by webhook and outcome (delivered, failed, dropped, undelivered)");
        _tokens = meter.CreateCounter<long>("alpaca.tokens", "{token}", "Tokens of answered requests, by model and kind (prompt, generated)");
    }

    private static double[] LongSeconds { get; } = [0.1, 1, 10, 60, 300, 900, 3600, 3 * 3600, 10 * 3600, 24 * 3600, 72 * 3600];

    public void RunEnded(RunRecord run)
    {
        KeyValuePair<string, object?> pipeline = new("pipeline", run.Pipeline), outcome = new("outcome", run.Outcome.ToString());
        _runs.Add(1, pipeline, new("trigger", run.Trigger), outcome);
        if (run.FinishedAt is { } finished) _runDuration.Record((finished - run.StartedAt).TotalSeconds, pipeline, outcome);
    }

    public void StageEnded(string pipeline, StageRecord stage)
    {
        if (stage.FinishedAt is { } finished)
            _stageDuration.Record((finished - stage.StartedAt).TotalSeconds, new("pipeline", pipeline), new("stage", stage.Name), new("outcome", stage.Outcome.ToString()));
        foreach (var (name, value) in stage.Metrics) _stageMetric.Record(value, new("pipeline", pipeline), new("stage", stage.Name), new("metric", name));
    }

    public void DropAccepted(string pipeline, int samples)
    {
        _drops.Add(1, new("pipeline", pipeline), new("result", "accepted"));
        _droppedSamples.Add(samples, new KeyValuePair<string, object?>("pipeline", pipeline));
    }

    public void DropRejected(string pipeline) => _drops.Add(1, new("pipeline", pipeline), new("result", "rejected"));

    public void Notified(string webhook, string outcome) => _notifications.Add(1, new("webhook", webhook), new("outcome", outcome));

    /// <summary>Counts the tokens of a request when the result is disposed, however far it got.</summary>
    public IDisposable Count(string model, AnswerRequest request) => new TokenCount(this, model, request);

    private sealed class TokenCount(AlpacaMetrics metrics, string model, AnswerRequest request) : IDisposable
    {
        public void Dispose()
        {
            var usage = request.Usage;
            metrics._tokens.Add(usage.PromptTokens, new("model", model), new("kind", "prompt"));
            metrics._tokens.Add(usage.CompletionTokens, new("model", model), new("kind", "generated"));
        }
    }
}
