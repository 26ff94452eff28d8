using Alpaca.Abstractions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Watches one pipeline's drop folder, and runs the pipeline after new data was accepted.</summary>
/// <remarks>
/// The file system's notifications only shorten the wait for the next look: they get lost on network drives and when many files arrive. A run that is owed is remembered in
/// <see cref="DropFolder.RunOwedMarker"/> until one has succeeded, so that a stopped service goes on after its restart.
/// </remarks>
internal sealed class DropWatcher(string pipeline, DropFolder folder, PipelineDispatcher dispatcher, TimeProvider time, ILogger<DropWatcher> log) : BackgroundService
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(200);
    private readonly DropScanner _scanner = new(folder, time, log);
    private readonly SemaphoreSlim _hint = new(0, 1);
    private string? _lastProblem;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var notifications = Notifications();
        log.DropsWatched(folder.Path, pipeline);
        var runOwed = File.Exists(folder.RunOwedMarker);
        var run = Task.CompletedTask;
        try
        {
            while (true)
            {
                runOwed |= Scan(stoppingToken) > 0;
                if (runOwed && run.IsCompleted)
                {
                    runOwed = false;
                    run = RunAsync(stoppingToken);
                }

                await WaitAsync(run, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await run; // It checkpoints and ends.
        }
    }

    private int Scan(CancellationToken cancellationToken)
    {
        try
        {
            folder.Create();
            var accepted = _scanner.Scan(action => dispatcher.WhenIdle(pipeline, action), cancellationToken);
            _lastProblem = null;
            return accepted;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or AlpacaException)
        {
            if (_lastProblem != e.Message) log.DropFolderProblem(folder.Path, e.Message);
            _lastProblem = e.Message;
            return 0;
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        // While it runs nothing is accepted, so a run that succeeds has seen everything that was.
        if (await dispatcher.RunAsync(pipeline, RunTriggers.Drop, () => File.Delete(folder.RunOwedMarker), cancellationToken)) return;
        log.DropRunOwed(pipeline);
    }

    private async Task WaitAsync(Task run, CancellationToken cancellationToken)
    {
        var wait = TimeSpan.FromTicks(Math.Clamp(folder.Quiet.Ticks / 2, ShortestWait.Ticks, LongestWait.Ticks));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> events = [Task.Delay(wait, time, stop.Token), _hint.WaitAsync(stop.Token)];
        if (!run.IsCompleted) events.Add(run);
        await Task.WhenAny(events);
        await stop.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private FileSystemWatcher? Notifications()
    {
        try
        {
            var watcher = new FileSystemWatcher(folder.Path) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.Size | NotifyFilters.LastWrite };
            watcher.Created += (_, _) => Hint();
            watcher.Renamed += (_, _) => Hint();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            log.NoNotifications(folder.Path, e.Message); // Out of inotify watches, for example.
            return null;
        }
    }

    private void Hint()
    {
        try
        {
            _hint.Release();
        }
        catch (SemaphoreFullException)
        {
            // One hint is enough.
        }
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        _hint.Dispose();
        base.Dispose();
    }
}
