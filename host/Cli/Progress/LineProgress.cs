using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Progress as lines of text, for logs and pipes: a line for every tenth of the work, but at most one a second, and one at least every five seconds of reports.</summary>
/// <param name="write">Gets the lines; called under a lock.</param>
/// <param name="time">The clock.</param>
internal sealed class LineProgress(Action<string> write, TimeProvider time) : IStageProgress
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private readonly Lock _lock = new();

    /// <inheritdoc />
    public IProgressTask Start(string description, double? total, ProgressUnit unit) => new Work(this, description, total, unit);

    private sealed class Work(LineProgress owner, string description, double? total, ProgressUnit unit) : IProgressTask
    {
        private readonly long _started = owner.Now;
        private long _written = owner.Now;
        private double? _total = total;
        private double _done;
        private double _doneWhenWritten;
        private double? _goneOnFrom;
        private string _status = "";
        private bool _wroteAny;
        private bool _ended;

        public void Report(double done)
        {
            lock (owner._lock)
            {
                _done = done;
                if (_goneOnFrom is null) _goneOnFrom = _doneWhenWritten = owner.Since(_started) < ProgressFigures.AtOnce ? done : 0;
                var since = owner.Since(_written);
                var isTenth = _total is > 0 && done - _doneWhenWritten >= _total / 10;
                if (since >= Longest || (isTenth && since >= Shortest)) Write();
            }
        }

        public void SetTotal(double total)
        {
            lock (owner._lock) _total = total;
        }

        public void SetStatus(string status)
        {
            lock (owner._lock) _status = status;
        }

        /// <summary>The last line, unless the work was over before it was worth a line.</summary>
        public void Dispose()
        {
            lock (owner._lock)
            {
                if (_ended) return;
                _ended = true;
                if (_wroteAny ? _done > _doneWhenWritten : owner.Since(_started) >= Shortest) Write();
            }
        }

        private void Write()
        {
            owner.WriteLine(description, new ProgressFigures(_done, _total, unit, owner.Since(_started), _goneOnFrom ?? 0), _status);
            (_written, _doneWhenWritten, _wroteAny) = (owner.Now, _done, true);
        }
    }

    private long Now => time.GetTimestamp();

    private TimeSpan Since(long timestamp) => time.GetElapsedTime(timestamp);

    private void WriteLine(string description, ProgressFigures figures, string status)
        => write(status.Length > 0 ? $"{description}: {figures}, {status}" : $"{description}: {figures}");
}
