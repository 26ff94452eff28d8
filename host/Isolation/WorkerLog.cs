using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Log records as messages.</summary>
/// <param name="write">Takes the messages; called from any thread.</param>
internal sealed class WorkerLog(Action<WorkerMessage> write) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new CategoryLogger(write, categoryName);

    public void Dispose() { }

    private sealed class CategoryLogger(Action<WorkerMessage> write, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => write(new LogWritten(logLevel, category, eventId.Id, formatter(state, exception), exception?.ToString()));
    }
}
