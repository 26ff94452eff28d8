using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>How observers of runs and versions are told.</summary>
internal static partial class ObserverExtensions
{
    /// <summary>Tells all of them. What one throws is logged, and neither the others nor what they are told about suffers from it.</summary>
    /// <param name="observers">Who is told.</param>
    /// <param name="what">Tells one of them.</param>
    /// <param name="subject">What it is about, for the log: <c>run</c>.</param>
    /// <param name="log">Gets what they throw.</param>
    public static void Tell<T>(this IEnumerable<T> observers, Action<T> what, string subject, ILogger log) where T : notnull
    {
        foreach (var observer in observers)
        {
            try
            {
                what(observer);
            }
            catch (Exception e)
            {
                log.ObserverFailed(observer.GetType().Name, subject, e);
            }
        }
    }

    [LoggerMessage(244, LogLevel.Error, "{Observer} could not take in what became of a {Subject}")]
    private static partial void ObserverFailed(this ILogger log, string observer, string subject, Exception exception);
}
