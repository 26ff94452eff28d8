using Microsoft.Extensions.Logging;

namespace Alpaca.Host.Tests;

public sealed class SystemdStatusTests : IDisposable
{
    private readonly RecordingNotifier _notifier = new();
    private readonly RecordingLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Observe_TwoRuns_SaysWhatIsUnderWayAndHowTheLastOneEnded()
    {
        var status = Create();
        status.RunStarted(Run(4, "sample"));
        status.StageChanged(Run(4, "sample"), Stage("train", StageOutcome.Running));
        status.RunStarted(Run(5, "other"));
        status.StageChanged(Run(4, "sample"), Stage("train", StageOutcome.Succeeded));
        status.RunEnded(Run(4, "sample", RunOutcome.Succeeded));
        status.RunEnded(Run(5, "other", RunOutcome.Failed));

        _notifier.Sent.Should().Equal(
            "STATUS=Running sample (run 4)",
            "STATUS=Running sample (run 4): train",
            "STATUS=Running sample (run 4): train, other (run 5)",
            "STATUS=Running other (run 5)",
            "STATUS=Waiting; run 5 of other ended: failed");
    }

    [Fact]
    public void Observe_NameWithALineBreak_StaysOneAssignment()
    {
        Create().RunStarted(Run(1, "a\nSTOPPING=1"));
        _notifier.Sent.Should().Equal("STATUS=Running a STOPPING=1 (run 1)");
    }

    [Fact]
    public async Task RunAsync_SystemdDoesNotListen_TheRunSucceeds()
    {
        using var bench = new Workbench();
        _notifier.IsUnreachable = true;
        bench.Observers.Add(Create());
        bench.Restart();

        (await bench.RunAsync(""" "acme-note": { "Text": "status" } """)).Outcome.Should().Be(RunOutcome.Succeeded);
        _log.Lines.Should().NotBeEmpty().And.OnlyContain(line => line.Contains("systemd cannot be told"));
    }

    private SystemdStatus Create() => new(_notifier, new LoggerFactory([_log]).CreateLogger<SystemdStatus>());

    private static RunRecord Run(long id, string pipeline, RunOutcome outcome = RunOutcome.Running) => new(id, pipeline, "manual", outcome, DateTimeOffset.UnixEpoch, null, null, []);

    private static StageRecord Stage(string name, StageOutcome outcome)
        => new(name, name, outcome, "", DateTimeOffset.UnixEpoch, null, new Dictionary<string, double>(), null, "", null);
}
