using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The plugins found beside the host and in the configured folder, and what the active ones offer.</summary>
/// <remarks>Disposing it disposes every plugin's services and unloads the plugins; what it gave out must not be used after that.</remarks>
public interface IPluginCatalog : IDisposable
{
    /// <summary>Every plugin folder, whatever its state, in the order in which they were looked at.</summary>
    IReadOnlyList<PluginInfo> Plugins { get; }

    /// <summary>The stages of the active plugins.</summary>
    IReadOnlyList<PluginStage> Stages { get; }

    /// <summary>The names of the active plugins' inference backends.</summary>
    IReadOnlyList<string> BackendNames { get; }

    /// <summary>The active plugins' inference backends by name, compared without case; owned by the catalog.</summary>
    IReadOnlyDictionary<string, IInferenceBackend> Backends => BackendNames.ToDictionary(name => name, GetBackend, StringComparer.OrdinalIgnoreCase);

    /// <summary>The stage of that name.</summary>
    /// <exception cref="AlpacaException">No active plugin offers it; the message says which stages there are and which plugins are not active, and why.</exception>
    PluginStage GetStage(string name);

    /// <summary>The inference backend of that name, compared without case; owned by the catalog.</summary>
    /// <exception cref="AlpacaException">No active plugin offers it; the message says which backends there are and which plugins are not active, and why.</exception>
    IInferenceBackend GetBackend(string name);
}
