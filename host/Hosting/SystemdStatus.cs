using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What <c>systemctl status</c> says about the service: the runs under way, else how the last one ended.</summary>
/// <param name="notifier">Sends to systemd.</param>
/// <param name="log">Gets a line when that fails.</param>
internal sealed class SystemdStatus(ISystemdNotifier notifier, ILogger<SystemdStatus> log) : IRunObserver
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, string> _running = [];

    /// <inheritdoc />
    public void RunStarted(RunRecord run) => Tell(run, running: $"{run.Pipeline} (run {run.Id})");

    /// <inheritdoc />
    public void StageChanged(RunRecord run, StageRecord stage)
    {
        if (stage.Outcome == StageOutcome.Running) Tell(run, running: $"{run.Pipeline} (run {run.Id}): {stage.Name}");
    }

    /// <inheritdoc />
    public void RunEnded(RunRecord run) => Tell(run, running: null);

    private void Tell(RunRecord run, string? running)
    {
        lock (_lock)
        {
            if (running is null) _running.Remove(run.Id);
            else _running[run.Id] = running;
            var text = _running.Count > 0
                ? $"Running {string.Join(", ", _running.Values)}"
                : $"Waiting; run {run.Id} of {run.Pipeline} ended: {run.Outcome.ToString().ToLowerInvariant()}";
            notifier.TryNotify(new ServiceState($"STATUS={OneLine(text)}"), log);
        }
    }

    /// <summary>A line break would begin another assignment.</summary>
    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
