using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Progress as messages, at most ten a second of each piece of work.</summary>
internal sealed class WorkerProgress : IStageProgress, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Action<WorkerMessage> _write;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly List<Work> _running = [];
    private int _last;

    /// <summary>Tells progress.</summary>
    /// <param name="write">Takes the messages; called from any thread.</param>
    /// <param name="time">The clock.</param>
    public WorkerProgress(Action<WorkerMessage> write, TimeProvider time)
    {
        _write = write;
        _timer = time.CreateTimer(_ => Flush(), null, Interval, Interval);
    }

    public IProgressTask Start(string description, double? total, ProgressUnit unit)
    {
        lock (_lock)
        {
            var work = new Work(this, ++_last);
            _running.Add(work);
            _write(new TaskStarted(_last, description, total, unit));
            return work;
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Flush()
    {
        lock (_lock) _running.ForEach(w => w.Flush());
    }

    private sealed class Work(WorkerProgress progress, int number) : IProgressTask
    {
        private double? _done;
        private double? _total;
        private string? _status;

        public void Report(double done)
        {
            lock (progress._lock) _done = done;
        }

        public void SetTotal(double total)
        {
            lock (progress._lock) _total = total;
        }

        public void SetStatus(string status)
        {
            lock (progress._lock) _status = status;
        }

        public void Flush()
        {
            if (_done is null && _total is null && _status is null) return;
            progress._write(new TaskChanged(number, _done, _total, _status));
            (_done, _total, _status) = (null, null, null);
        }

        public void Dispose()
        {
            lock (progress._lock)
            {
                if (!progress._running.Remove(this)) return;
                Flush();
                progress._write(new TaskEnded(number));
            }
        }
    }
}
