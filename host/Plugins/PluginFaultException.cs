using System.Reflection;

namespace Alpaca.Host;

/// <summary>Why a plugin is Faulted. Carries text only: an exception of the plugin's own would keep the plugin in memory.</summary>
internal sealed class PluginFaultException(string reason) : Exception(reason)
{
    /// <summary>Type and message of the cause that a person can act on.</summary>
    public static string Describe(Exception exception)
    {
        while (exception is TargetInvocationException or TypeInitializationException && exception.InnerException is { } inner) exception = inner;
        return $"{exception.GetType().Name}: {exception.Message}";
    }
}
