using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary>Log lines of a command, on standard error, above the progress bars if there are any.</summary>
internal sealed class ConsoleLog(IAnsiConsole console) : ILoggerProvider
{
    private readonly Lock _lock = new();

    public ILogger CreateLogger(string categoryName) => new CategoryLogger(this);

    public void Dispose() { }

    private void Write(LogLevel level, string message, Exception? exception)
    {
        var label = level switch
        {
            LogLevel.Critical or LogLevel.Error => "error: ",
            LogLevel.Warning => "warning: ",
            _ => "",
        };
        lock (_lock)
        {
            console.WriteLine(label + message);
            if (exception is not null) console.WriteLine(exception.ToString());
        }
    }

    private sealed class CategoryLogger(ConsoleLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => log.Write(logLevel, formatter(state, exception), exception);
    }
}
