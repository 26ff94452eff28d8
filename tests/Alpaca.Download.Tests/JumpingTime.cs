namespace Alpaca.Download.Tests;

/// <summary>A clock on which every wait ends at once and moves the time by its length. Patience with a stalled source never runs out.</summary>
internal sealed class JumpingTime : TimeProvider
{
    /// <summary>The waits that are patience, and so never end.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(12_345);

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly Lock _lock = new();
    private readonly List<TimeSpan> _waits = [];
    private TimeSpan _passed;

    /// <summary>The waits so far.</summary>
    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (_lock) return [.. _waits];
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Start + Passed;

    public override long GetTimestamp() => Passed.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private TimeSpan Passed
    {
        get
        {
            lock (_lock) return _passed;
        }
    }

    private sealed class Timer(JumpingTime owner, TimerCallback callback, object? state) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime < TimeSpan.Zero || dueTime == Patience) return true;
            lock (owner._lock)
            {
                owner._waits.Add(dueTime);
                owner._passed += dueTime;
            }

            ThreadPool.QueueUserWorkItem(_ => callback(state));
            return true;
        }

        public void Dispose() { }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
