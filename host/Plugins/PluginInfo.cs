namespace Alpaca.Host;

/// <summary>What became of a plugin folder.</summary>
public enum PluginState
{
    /// <summary>Loaded; its stages and backends can be used.</summary>
    Active,

    /// <summary>Named in <c>Plugins:Disabled</c> and not loaded.</summary>
    Disabled,

    /// <summary>Built against contracts this host does not offer, and not loaded.</summary>
    Incompatible,

    /// <summary>Incomplete, or failed while it was loaded.</summary>
    Faulted,
}

/// <summary>A plugin folder and its state.</summary>
/// <param name="Name">The folder's name, which is also the assembly's.</param>
/// <param name="Version">The assembly's informational version without build metadata; empty where the assembly could not be read.</param>
/// <param name="State">What became of it.</param>
/// <param name="Reason">Why it is not active, one sentence; <see langword="null"/> for an active plugin.</param>
/// <param name="Stages">Names of the stages it registered.</param>
/// <param name="Backends">Names of the inference backends it registered.</param>
/// <param name="Folder">The full path of the folder.</param>
public sealed record PluginInfo(
    string Name, string Version, PluginState State, string? Reason, IReadOnlyList<string> Stages, IReadOnlyList<string> Backends, string Folder);
