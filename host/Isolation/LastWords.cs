namespace Alpaca.Host;

/// <summary>The end of what a process wrote to standard error, for the message about its death.</summary>
internal sealed class LastWords
{
    private const int Kept = 20;
    private const int LongestLine = 500;

    // What .NET and C++ runtimes begin with when they end a process; the lines after it are a stack trace.
    private static readonly string[] Epitaphs = ["Unhandled exception", "Stack overflow", "Fatal error", "Process terminated", "Out of memory", "terminate called", "  what():"];

    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = new();
    private string? _epitaph;

    /// <summary>Takes a line.</summary>
    public void Add(string line)
    {
        if (string.IsNullOrWhiteSpace(line)) return;
        lock (_lock)
        {
            if (Array.Exists(Epitaphs, e => line.StartsWith(e, StringComparison.Ordinal))) _epitaph = line;
            _lines.Enqueue(line);
            if (_lines.Count > Kept) _lines.Dequeue();
        }
    }

    /// <summary>The line that says most about the end, at most 500 characters; empty when nothing was written.</summary>
    public string Line
    {
        get
        {
            lock (_lock)
            {
                var line = (_epitaph ?? _lines.LastOrDefault(l => !l.StartsWith("   at ", StringComparison.Ordinal)) ?? "").Trim();
                return line.Length <= LongestLine ? line : string.Concat(line.AsSpan(0, LongestLine), "…");
            }
        }
    }

    /// <summary>All lines that are kept, the last 20.</summary>
    public override string ToString()
    {
        lock (_lock) return string.Join('\n', _lines);
    }
}
