using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Host.Tests;

public sealed class SystemdWatchdogTests : IDisposable
{
    private readonly RecordingNotifier _notifier = new();
    private readonly RecordingLog _log = new();
    private readonly FakeTimeProvider _time = new();
    private readonly Lifetime _lifetime = new();
    private volatile bool _isAlive = true;
    private volatile int _asked;

    public void Dispose()
    {
        _log.Dispose();
        _lifetime.Dispose();
    }

    [Theory]
    [InlineData("60000000", null, 60.0)]
    [InlineData("60000000", "", 60.0)]
    [InlineData("60000000", "4711", 60.0)]
    [InlineData("500000", "4711", 0.5)]
    [InlineData("1", "4711", 0.002)]
    [InlineData("18446744073709551615", null, 86400.0)]
    [InlineData("60000000", "4712", null)]
    [InlineData("0", null, null)]
    [InlineData("-1", null, null)]
    [InlineData("soon", null, null)]
    [InlineData("", null, null)]
    [InlineData(null, null, null)]
    public void ReadInterval_Variables_AreThoseOfThisProcess(string? microseconds, string? processId, double? seconds)
        => SystemdWatchdog.ReadInterval(name => name == SystemdWatchdog.IntervalVariable ? microseconds : processId, 4711)
            .Should().Be(seconds is { } length ? TimeSpan.FromSeconds(length) : null);

    [Fact]
    public async Task ExecuteAsync_ServiceIsAlive_SendsASignTwiceInEachInterval()
    {
        using var watchdog = await StartAsync();
        _notifier.Sent.Should().BeEmpty("nobody is watched while starting");

        _lifetime.Started.Cancel();
        for (var signs = 1; signs <= 4; signs++)
        {
            await UntilAsync(() => _notifier.Sent.Count == signs);
            _time.Advance(TimeSpan.FromSeconds(29));
            _notifier.Sent.Should().HaveCount(signs, "it is not time yet");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await UntilAsync(() => _notifier.Sent.Count == 5);
        await watchdog.StopAsync(CancellationToken.None);
        _notifier.Sent.Should().OnlyContain(sign => sign == "WATCHDOG=1");
        _log.Lines.Should().BeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ExecuteAsync_SchedulerHasEnded_FallsSilent(bool isStopping)
    {
        using var watchdog = await StartAsync();
        _lifetime.Started.Cancel();
        await UntilAsync(() => _notifier.Sent.Count == 1);

        if (isStopping) _lifetime.Stopping.Cancel();
        _isAlive = false;
        _time.Advance(TimeSpan.FromSeconds(30));
        await watchdog.ExecuteTask!.WaitAsync(TimeSpan.FromMinutes(3));

        _asked.Should().Be(2);
        _notifier.Sent.Should().HaveCount(1);
        _log.Lines.Should().HaveCount(isStopping ? 0 : 1);
        string.Concat(_log.Lines).Should().EndWith(isStopping ? "" : "starts the service again within 60 s");
    }

    [Fact]
    public async Task ExecuteAsync_SystemdDoesNotListenForAWhile_GoesOn()
    {
        using var watchdog = await StartAsync();
        _notifier.IsUnreachable = true;
        _lifetime.Started.Cancel();
        await UntilAsync(() => _log.Lines.Count == 1);

        _notifier.IsUnreachable = false;
        _time.Advance(TimeSpan.FromSeconds(30));
        await UntilAsync(() => _notifier.Sent.Count == 1);
        await watchdog.StopAsync(CancellationToken.None);

        _log.Lines.Single().Should().StartWith("Warning").And.Contain("systemd cannot be told how the service is");
    }

    private async Task<SystemdWatchdog> StartAsync()
    {
        var watchdog = new SystemdWatchdog(TimeSpan.FromSeconds(60), IsAliveAsync, _notifier, _lifetime, _time, new LoggerFactory([_log]).CreateLogger<SystemdWatchdog>());
        await watchdog.StartAsync(CancellationToken.None);
        return watchdog;
    }

    private ValueTask<bool> IsAliveAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _asked);
        return ValueTask.FromResult(_isAlive);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!condition()) await Task.Delay(10, limit.Token);
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        public CancellationTokenSource Started { get; } = new();

        public CancellationTokenSource Stopping { get; } = new();

        public CancellationToken ApplicationStarted => Started.Token;

        public CancellationToken ApplicationStopping => Stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => Stopping.Cancel();

        public void Dispose()
        {
            Started.Dispose();
            Stopping.Dispose();
        }
    }
}
