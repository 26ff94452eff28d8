using System.Globalization;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Debugging;
using Serilog.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>The log in files, a new one each day and whenever one is full.</summary>
internal static class FileLog
{
    private const string Line = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff zzz} [{Level:u3}] {SourceContext}: {Message:lj}{NewLine}{Exception}";

    /// <summary>Logs to files besides, at the levels that <c>Logging:LogLevel</c> gives.</summary>
    public static void AddFile(this ILoggingBuilder logging, FileLogSettings settings)
    {
        // A disk that becomes full is told to the console's log, once a line.
        SelfLog.Enable(TextWriter.Synchronized(Console.Error));
        var files = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.File(
            settings.Path,
            outputTemplate: Line,
            formatProvider: CultureInfo.InvariantCulture,
            fileSizeLimitBytes: settings.MaxFileBytes,
            rollingInterval: RollingInterval.Day,
            rollOnFileSizeLimit: true,
            retainedFileCountLimit: settings.RetainedFiles).CreateLogger();

        // AddSerilog would also let every level pass.
        logging.AddProvider(new SerilogLoggerProvider(files, dispose: true));
    }
}
