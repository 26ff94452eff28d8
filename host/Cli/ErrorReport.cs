using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Writes an error for the person at the terminal.</summary>
internal static class ErrorReport
{
    /// <summary>Writes a line for each problem, and the stack trace when it is asked for.</summary>
    /// <returns>The exit code.</returns>
    public static int Write(TextWriter writer, Exception error, bool verbose)
    {
        var problem = error is AggregateException { InnerExceptions.Count: 1 } one ? one.InnerException! : error;
        foreach (var line in Describe(problem).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            writer.WriteLine($"alpaca: {line}");
        if (verbose) writer.WriteLine(error.ToString());
        return problem is AlpacaUsageException ? ExitCodes.Usage : ExitCodes.Failure;
    }

    private static string Describe(Exception error) => error switch
    {
        AlpacaException => error.Message,
        IOException or UnauthorizedAccessException => error.Message,
        OutOfMemoryException => "There is not enough memory for this; free some or take a smaller model.",
        OperationCanceledException => "The command was cancelled.",
        _ => $"{error.GetType().Name}: {error.Message} This is a fault of the program; --verbose shows where.",
    };
}
