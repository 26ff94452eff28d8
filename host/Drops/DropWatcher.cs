using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;

namespace Alpaca.Host;

/// <summary>Watches one pipeline's drop folder, and queues a run of the pipeline once enough new data was accepted.</summary>
/// <remarks>
/// A run takes in what waits when it begins (<see cref="ServiceRunner"/>), so that runs that follow each other without a pause keep nothing waiting. The file system's notifications only shorten the wait for the next look: they get lost on network drives and when many files arrive. What no successful run has seen is noted in
/// <see cref="DropFolder.NewSamplesFile"/>, so that a stopped service goes on after its restart.
/// </remarks>
internal sealed class DropWatcher(string pipeline, DropFolder folder, RunQueue queue, DropScanners scanners, ArtifactStore store, TimeProvider time, ILogger<DropWatcher> log) : BackgroundService
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(200);
    private readonly SemaphoreSlim _hint = new(0, 1);
    private string? _lastProblem;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var notifications = new DropNotifications(folder, Hint, log);
        log.DropsWatched(folder.Path, pipeline);
        var isNew = true; // for what an earlier service accepted
        while (true)
        {
            notifications.Ensure();
            var start = time.GetTimestamp();

            // On a thread of its own: a large file is read for a while, and the pool's threads answer requests.
            isNew |= await Task.Factory.StartNew(() => Scan(stoppingToken), stoppingToken, TaskCreationOptions.LongRunning, TaskScheduler.Default) > 0;
            if (isNew) isNew = !await TryQueueRunAsync(stoppingToken);
            await WaitAsync(time.GetElapsedTime(start), stoppingToken);
        }
    }

    private int Scan(CancellationToken cancellationToken)
    {
        try
        {
            folder.Create();
            var accepted = scanners.Of(pipeline).Scan(WhenIdle, cancellationToken);
            if (_lastProblem is not null) log.DropFolderIsBack(folder.Path);
            _lastProblem = null;
            return accepted;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Whatever it is: the service and the other folders go on.
            if (_lastProblem != e.Message) log.DropFolderProblem(folder.Path, e.Message);
            _lastProblem = e.Message;
            return 0;
        }
    }

    /// <summary>Does something while nobody, in whatever process, runs the pipeline: the data of a run does not change under it, and a run that succeeds has seen everything that was accepted.</summary>
    private bool WhenIdle(Action action)
    {
        using var idle = WorkspaceLock.TryForPipeline(store.Workspace, pipeline);
        if (idle is not null) action();
        return idle is not null;
    }

    /// <returns>Whether all is done; otherwise it has to be tried again.</returns>
    private async Task<bool> TryQueueRunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var found = NewSamples.Read(folder).Count;
            if (found >= folder.MinNewSamples) await queue.AddAsync(pipeline, RunTriggers.Drop, cancellationToken);
            else if (found > 0) log.DropsGather(found, folder.MinNewSamples, pipeline);
            return true;
        }
        catch (Exception e) when (e is SchedulerException or IOException or UnauthorizedAccessException)
        {
            log.RunNotStarted(pipeline, e.Message);
            return false;
        }
    }

    /// <summary>Waits for a hint, though not for long; after a long look, as long as that took, so that a folder of very many files leaves time for everything else.</summary>
    private async Task WaitAsync(TimeSpan looked, CancellationToken cancellationToken)
    {
        var atLeast = TimeSpan.FromTicks(Math.Clamp(looked.Ticks, ShortestWait.Ticks, LongestWait.Ticks));
        var wait = TimeSpan.FromTicks(Math.Clamp(folder.Quiet.Ticks / 2, ShortestWait.Ticks, LongestWait.Ticks)) - atLeast;
        await Task.Delay(atLeast, time, cancellationToken);
        if (wait <= TimeSpan.Zero) return;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Task.Delay(wait, time, stop.Token), _hint.WaitAsync(stop.Token));
        await stop.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void Hint()
    {
        try
        {
            _hint.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // One hint is enough, and none counts after the end.
        }
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        _hint.Dispose();
        base.Dispose();
    }
}
