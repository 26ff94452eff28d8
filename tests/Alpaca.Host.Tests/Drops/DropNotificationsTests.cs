namespace Alpaca.Host.Tests;

public sealed class DropNotificationsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RecordingLog _log = new();
    private readonly DropFolder _drops;
    private int _hints;

    public DropNotificationsTests() => _drops = new DropFolder(_folder.Combine("drops"), TimeSpan.FromSeconds(5));

    public void Dispose()
    {
        _folder.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task Ensure_FolderIsReplaced_WatchesTheNewOne()
    {
        _drops.Create();
        using var notifications = Create();
        notifications.Ensure();
        await HintsAsync("one");
        Directory.Move(_drops.Path, _folder.Combine("old"));
        _drops.Create();

        notifications.Ensure();

        await HintsAsync("two");
        _log.Lines.Should().BeEmpty();
    }

    [Fact]
    public async Task Ensure_NoNotifications_SaysSoOnceAndWatchesWhenItCan()
    {
        using var notifications = Create();
        for (var i = 0; i < 3; i++) notifications.Ensure();
        _log.Lines.Should().ContainSingle().Which.Should().Contain("gives no notifications");
        _drops.Create();

        notifications.Ensure();

        await HintsAsync("one");
    }

    private DropNotifications Create() => new(_drops, () => Interlocked.Increment(ref _hints), _log.CreateLogger("drops"));

    private async Task HintsAsync(string name)
    {
        _hints = 0;
        await File.WriteAllTextAsync(Path.Combine(_drops.Path, name), "x");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (Volatile.Read(ref _hints) == 0) await Task.Delay(20, limit.Token);
    }
}
