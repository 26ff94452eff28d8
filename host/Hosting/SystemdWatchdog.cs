using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Tells systemd twice in each watchdog interval that the service is alive, for as long as it is: one that hangs is ended and started again (<c>WatchdogSec=</c> in deploy/alpaca.service).</summary>
/// <param name="interval">How long systemd waits for a sign of life.</param>
/// <param name="isAlive">Whether the service does what it is there for.</param>
/// <param name="notifier">Sends to systemd.</param>
/// <param name="lifetime">Says when the service has started.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Gets a line when the signs end.</param>
internal sealed class SystemdWatchdog(
    TimeSpan interval, Func<CancellationToken, ValueTask<bool>> isAlive, ISystemdNotifier notifier, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<SystemdWatchdog> log) : BackgroundService
{
    /// <summary>The variable with the interval, in microseconds.</summary>
    public const string IntervalVariable = "WATCHDOG_USEC";

    /// <summary>The variable with the process that is watched.</summary>
    public const string ProcessVariable = "WATCHDOG_PID";

    /// <summary>The sign of life.</summary>
    public static readonly ServiceState Alive = new("WATCHDOG=1");

    // More would be of no use to anybody, and is more than timers can.
    private static readonly TimeSpan LongestInterval = TimeSpan.FromDays(1);
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(2);

    /// <summary>Reads how long systemd waits.</summary>
    /// <param name="variable">Gives the environment variables.</param>
    /// <param name="processId">This process.</param>
    /// <returns>The time, at least 2 ms and at most a day; <see langword="null"/> where this process is not watched.</returns>
    public static TimeSpan? ReadInterval(Func<string, string?> variable, int processId)
    {
        // As sd_watchdog_enabled(3) has it: the variables are inherited, and a process that they do not name is not meant.
        if (variable(ProcessVariable) is { Length: > 0 } watched && watched != processId.ToString(CultureInfo.InvariantCulture)) return null;
        if (!ulong.TryParse(variable(IntervalVariable), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) || microseconds == 0) return null;
        var wanted = TimeSpan.FromMicroseconds(Math.Min(microseconds, LongestInterval.TotalMicroseconds));
        return wanted < ShortestInterval ? ShortestInterval : wanted;
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await StartedAsync(stoppingToken).ConfigureAwait(false);
        using var timer = new PeriodicTimer(interval / 2, time);
        do
        {
            if (!await isAlive(stoppingToken).ConfigureAwait(false))
            {
                // A service that stops is not watched any more.
                if (!lifetime.ApplicationStopping.IsCancellationRequested) log.WatchdogSilent(interval.TotalSeconds);
                return;
            }

            notifier.TryNotify(Alive, log);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    // Before that, the scheduler would be made by asking for it; and nobody is watched while starting.
    private async Task StartedAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult).ConfigureAwait(false);
        await started.Task.WaitAsync(stoppingToken).ConfigureAwait(false);
    }
}
