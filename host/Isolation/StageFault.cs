using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A stage's failure on its way from the worker to the service: what the service throws tells the same as if the stage had run there.</summary>
internal static class StageFault
{
    public static StageFaulted ToMessage(Exception exception) => exception switch
    {
        AlpacaException e => new(e is AlpacaUsageException ? StageFaultKind.Usage : StageFaultKind.Failure, e.Message, e.ToString(), TransientFailure.Is(e)),
        IOException when TransientFailure.Is(exception) => Of(StageFaultKind.InputOutput, exception),
        IOException => Of(StageFaultKind.Failure, exception), // a missing file, for example: as an IOException it would seem to pass
        UnauthorizedAccessException => Of(StageFaultKind.AccessDenied, exception),
        _ => new(StageFaultKind.Defect, StageFailedException.Describe(exception), exception.ToString(), TransientFailure.Is(exception)),
    };

    public static Exception ToException(StageFaulted fault)
    {
        var details = new WorkerException(fault.Details);
        return fault.Kind switch
        {
            StageFaultKind.Usage => new AlpacaUsageException(fault.Message, details) { IsTransient = fault.IsTransient },
            StageFaultKind.InputOutput => new IOException(fault.Message, details),
            StageFaultKind.AccessDenied => new UnauthorizedAccessException(fault.Message, details),
            _ => new AlpacaException(fault.Message, details) { IsTransient = fault.IsTransient },
        };
    }

    private static StageFaulted Of(StageFaultKind kind, Exception exception) => new(kind, exception.Message, exception.ToString(), IsTransient: false);

    /// <summary>What was thrown in the worker, as text.</summary>
    private sealed class WorkerException(string details) : Exception(details)
    {
        public override string ToString() => $"In the stage's process: {Message}";
    }
}
