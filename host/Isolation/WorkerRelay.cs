using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Passes on what a stage worker tells: progress and log records to whom the stage would have told them, the end to the executor.</summary>
internal sealed class WorkerRelay(string stage, StageContext context, ILoggerFactory loggers) : IDisposable
{
    private readonly Dictionary<int, IProgressTask> _tasks = [];
    private readonly TaskCompletionSource<WorkerMessage> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed with the first <see cref="StageMade"/>, <see cref="StageFaulted"/> or <see cref="StageCancelled"/>.</summary>
    public Task<WorkerMessage> End => _end.Task;

    /// <summary>Takes a line of standard output, one at a time. Lines that are no messages are somebody's output gone astray.</summary>
    public void Take(string line)
    {
        switch (WorkerJson.TryReadMessage(line))
        {
            case TaskStarted started:
                _tasks[started.Task] = context.Progress.Start(started.Description, started.Total, started.Unit);
                break;
            case TaskChanged changed when _tasks.TryGetValue(changed.Task, out var task):
                if (changed.Total is { } total) task.SetTotal(total);
                if (changed.Status is { } status) task.SetStatus(status);
                if (changed.Done is { } done) task.Report(done);
                break;
            case TaskEnded ended when _tasks.Remove(ended.Task, out var task):
                task.Dispose();
                break;
            case LogWritten record:
                Log(record);
                break;
            case null:
                context.Logger.WorkerOutput(stage, line);
                break;
            case (StageMade or StageFaulted or StageCancelled) and var end:
                _end.TrySetResult(end);
                break;
        }
    }

    /// <summary>Ends the progress of whatever had no time to end its own.</summary>
    public void Dispose()
    {
        foreach (var task in _tasks.Values) task.Dispose();
        _tasks.Clear();
    }

    private void Log(LogWritten record)
    {
        var log = record.Category == StageWorker.LogCategory(stage) ? context.Logger : loggers.CreateLogger(record.Category);
        log.Log(record.Level, new EventId(record.EventId), record, null, static (r, _) => r.Exception is null ? r.Message : $"{r.Message}\n{r.Exception}");
    }
}
