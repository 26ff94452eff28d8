using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A stage failed. Carries text only: the stage's own exception would keep its plugin in memory.</summary>
internal sealed class StageFailedException(string message) : AlpacaException(message)
{
    /// <summary>One sentence about a failure: the message alone where it was written for the user or by the operating system.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        AlpacaException or IOException or UnauthorizedAccessException => exception.Message,
        OutOfMemoryException => $"It ran out of memory ({exception.Message})",
        _ => $"{PluginFaultException.Describe(exception)} (unexpected; --verbose shows where)",
    };
}
