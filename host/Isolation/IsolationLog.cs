using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What is logged about stage workers; ids from 270.</summary>
internal static partial class IsolationLog
{
    [LoggerMessage(270, LogLevel.Debug, "Stage {Stage} runs in process {Process}")]
    public static partial void WorkerStarted(this ILogger log, string stage, int process);

    [LoggerMessage(271, LogLevel.Debug, "{Stage}: {Line}")]
    public static partial void WorkerOutput(this ILogger log, string stage, string line);

    [LoggerMessage(272, LogLevel.Warning, "Stage {Stage} did not stop within {Seconds} s (Isolation:StopSeconds) and was ended; it goes on from its last checkpoint")]
    public static partial void WorkerDidNotStop(this ILogger log, string stage, double seconds);

    [LoggerMessage(273, LogLevel.Warning, "{Message}")]
    public static partial void WorkerEndedWhileStopping(this ILogger log, string message);

    [LoggerMessage(274, LogLevel.Warning, "The process of stage {Stage} ended badly after its result (exit code {ExitCode}); the result stands")]
    public static partial void WorkerEndedBadly(this ILogger log, string stage, int exitCode);

    [LoggerMessage(275, LogLevel.Warning, "The priority of stage {Stage} could not be set to {Priority}: {Reason}")]
    public static partial void PriorityNotSet(this ILogger log, string stage, string priority, string reason);
}
