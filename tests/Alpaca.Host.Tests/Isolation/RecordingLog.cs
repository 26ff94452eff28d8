using Microsoft.Extensions.Logging;

namespace Alpaca.Host.Tests;

/// <summary>Keeps what is logged, as <c>level category: message</c>.</summary>
internal sealed class RecordingLog : ILoggerProvider
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    public ILogger CreateLogger(string categoryName) => new CategoryLog(this, categoryName);

    public void Dispose() { }

    private sealed class CategoryLog(RecordingLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (log._lines) log._lines.Add($"{logLevel} {category}: {formatter(state, exception)}");
        }
    }
}
