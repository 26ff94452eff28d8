using System.Diagnostics;

namespace Alpaca.Host.Tests;

public sealed class RunTelemetryTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("none", ActivityStatusCode.Unset)]
    [InlineData("error", ActivityStatusCode.Error)]
    public async Task RunAsync_Observed_IsASpanWithOneForEachStage(string mishap, ActivityStatusCode status)
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == AlpacaMetrics.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (spans) spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        _bench.Observers.Add(new RunTelemetry(TestMetrics.Create()));
        _bench.Restart();

        var run = await _bench.RunAsync($$""" "acme-note": { "Text": "telemetry {{mishap}}", "Mishap": "{{mishap}}" } """);

        Activity[] mine;
        lock (spans) mine = [.. spans.Where(span => Equals(span.GetTagItem("alpaca.run"), run.Id) || span.DisplayName == "stage acme-note")];
        var outer = mine.Last(span => span.DisplayName == "run notes");
        var inner = mine.Last(span => span.ParentId == outer.Id);
        inner.DisplayName.Should().Be("stage acme-note");
        outer.GetTagItem("alpaca.outcome").Should().Be(run.Outcome.ToString());
        outer.Status.Should().Be(status);
        inner.Status.Should().Be(status);
    }
}
