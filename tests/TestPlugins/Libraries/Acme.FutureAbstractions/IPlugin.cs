namespace Alpaca.Abstractions;

/// <summary>An entry point that this host does not know.</summary>
public interface IPlugin
{
    /// <summary>Starts the plugin.</summary>
    void Start();
}
