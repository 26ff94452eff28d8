using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Loads every plugin folder once, when it is created. A plugin that cannot be used is listed with the reason and never stops the others.</summary>
public sealed class PluginCatalog : IPluginCatalog
{
    private readonly List<PluginInfo> _plugins = [];
    private readonly List<PluginStage> _stages = [];
    private readonly List<LoadedPlugin> _loaded = [];
    private readonly Dictionary<string, IInferenceBackend> _backends = new(StringComparer.OrdinalIgnoreCase);
    private readonly IConfiguration _configuration;
    private readonly ILoggerFactory _loggers;
    private readonly TimeProvider _time;
    private readonly IReadOnlyDictionary<string, string> _digests;
    private readonly ILogger _log;

    /// <summary>Loads the plugins of some folders; each plugin is a subfolder with an assembly of the same name.</summary>
    /// <param name="folders">Looked at in this order; one that does not exist holds no plugins.</param>
    /// <param name="disabled">Names of plugins not to load, compared without case.</param>
    /// <param name="configuration">Handed to the plugins; no secrets of the service.</param>
    /// <param name="loggers">Handed to the plugins.</param>
    /// <param name="time">Handed to the plugins.</param>
    /// <param name="digests">The SHA-256 (<see cref="PluginDigest"/>) that plugins of these names must have; others may have any.</param>
    public PluginCatalog(
        IEnumerable<string> folders, IReadOnlyCollection<string> disabled, IConfiguration configuration, ILoggerFactory loggers, TimeProvider time, IReadOnlyDictionary<string, string>? digests = null)
    {
        ArgumentNullException.ThrowIfNull(folders);
        ArgumentNullException.ThrowIfNull(disabled);
        (_configuration, _loggers, _time, _digests) = (configuration, loggers, time, digests ?? new Dictionary<string, string>());
        _log = loggers.CreateLogger<PluginCatalog>();
        foreach (var folder in folders.Select(Path.GetFullPath).Distinct().Where(Directory.Exists).SelectMany(PluginFolders))
        {
            var plugin = Load(folder, disabled);
            _plugins.Add(plugin);
            if (plugin.State is PluginState.Incompatible or PluginState.Faulted)
                _log.LogWarning("Plugin {Plugin} is {State}: {Reason}", plugin.Name, plugin.State, plugin.Reason);
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<PluginInfo> Plugins => _plugins;

    /// <inheritdoc />
    public IReadOnlyList<PluginStage> Stages => _stages;

    /// <inheritdoc />
    public IReadOnlyList<string> BackendNames => [.. _backends.Keys];

    /// <inheritdoc />
    public PluginStage GetStage(string name)
        => _stages.Find(s => s.Name == name) ?? throw new AlpacaException(WhyMissing("stage", name, [.. _stages.Select(s => s.Name)]));

    /// <inheritdoc />
    public IInferenceBackend GetBackend(string name)
        => _backends.TryGetValue(name, out var backend) ? backend : throw new AlpacaException(WhyMissing("inference backend", name, BackendNames));

    /// <inheritdoc />
    public void Dispose()
    {
        _backends.Clear();
        _stages.ForEach(s => s.Release());
        _stages.Clear();
        foreach (var plugin in _loaded)
        {
            try
            {
                plugin.Dispose();
            }
            catch (Exception e)
            {
                _log.LogWarning("A plugin failed while it was disposed: {Reason}", PluginFaultException.Describe(e));
            }
        }

        _loaded.Clear();
    }

    private static IEnumerable<string> PluginFolders(string folder)
        => Directory.EnumerateDirectories(folder).Where(f => !Path.GetFileName(f).StartsWith('.')).Order(StringComparer.Ordinal);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PluginInfo Load(string folder, IReadOnlyCollection<string> disabled)
    {
        var name = Path.GetFileName(folder);
        var info = new PluginInfo(name, "", PluginState.Faulted, null, [], [], folder);
        if (disabled.Contains(name, StringComparer.OrdinalIgnoreCase))
            return info with { State = PluginState.Disabled, Reason = "It is named in Plugins:Disabled." };

        try
        {
            if (_plugins.Find(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } other)
                throw new PluginFaultException($"A plugin of this name was found before, in {other.Folder}.");
            var assembly = RequireFile(folder, name, ".dll", "a plugin's folder and its main assembly have the same name");
            RequireFile(folder, name, ".deps.json", "copy the whole build output and set EnableDynamicLoading in the project");

            if (WhyNotTrusted(folder, name) is { } doubt) throw new PluginFaultException(doubt);

            var contract = ReadContract(assembly);
            info = info with { Version = contract.Version };
            if (contract.WhyIncompatible is { } reason) return info with { State = PluginState.Incompatible, Reason = reason };
            return Activate(info, LoadedPlugin.Load(assembly, contract, _configuration, _loggers, _time));
        }
        catch (Exception e) when (e is PluginFaultException or IOException or UnauthorizedAccessException)
        {
            return info with { Reason = e.Message };
        }
    }

    private PluginInfo Activate(PluginInfo info, LoadedPlugin plugin)
    {
        info = info with { Stages = [.. plugin.Stages.Select(s => s.Name)], Backends = [.. plugin.Backends.Select(b => b.Name)] };
        if (WhyTaken(info) is { } reason)
        {
            plugin.Dispose();
            return info with { Reason = reason };
        }

        info = info with { State = PluginState.Active };
        _loaded.Add(plugin);
        _stages.AddRange(plugin.Stages.Select(s => new PluginStage(s, plugin.Services, info)));
        foreach (var backend in plugin.Backends) _backends.Add(backend.Name, backend);
        return info;
    }

    /// <summary>Why a plugin's code may be somebody else's than it seems. What stands beside the executable is as safe as that.</summary>
    private string? WhyNotTrusted(string folder, string name)
    {
        if (Path.GetDirectoryName(folder) != AlpacaSettings.BuiltInPluginsFolder)
        {
            if (new DirectoryInfo(folder).LinkTarget is not null) return $"{folder} is a link; a plugin has to lie in the plugins folder itself.";
            if (OtherUsers.WhatCanBeWritten(folder) is { } open) return $"Every user of this machine may write to {open}, and so have their own code run here; take that right away (chmod o-w).";
        }

        return _digests.TryGetValue(name, out var wanted) && PluginDigest.Of(folder) is var found && found != wanted
            ? $"Its files have the SHA-256 {found}, and Plugins:Sha256:{name} asks for {wanted}; if you have changed it yourself, write the new one there."
            : null;
    }

    private string? WhyTaken(PluginInfo info)
    {
        if (Repeated(info.Stages, StringComparer.Ordinal) is { } twice) return $"It registers the stage '{twice}' twice.";
        if (Repeated(info.Backends, StringComparer.OrdinalIgnoreCase) is { } again) return $"It registers the inference backend '{again}' twice.";
        foreach (var other in _plugins.Where(p => p.State == PluginState.Active))
        {
            if (other.Stages.FirstOrDefault(info.Stages.Contains) is { } stage)
                return $"Its stage '{stage}' is already offered by plugin {other.Name}; disable one of them under Plugins:Disabled.";
            if (other.Backends.FirstOrDefault(b => info.Backends.Contains(b, StringComparer.OrdinalIgnoreCase)) is { } backend)
                return $"Its inference backend '{backend}' is already offered by plugin {other.Name}; disable one of them under Plugins:Disabled.";
        }

        return null;
    }

    private static string? Repeated(IEnumerable<string> names, StringComparer comparer)
        => names.GroupBy(n => n, comparer).FirstOrDefault(g => g.Count() > 1)?.Key;

    private static string RequireFile(string folder, string name, string extension, string mend)
    {
        var path = Path.Combine(folder, name + extension);
        return File.Exists(path) ? path : throw new PluginFaultException($"{name}{extension} is missing in {folder}; {mend}.");
    }

    private static PluginContract ReadContract(string assembly)
    {
        try
        {
            return PluginContract.Read(assembly);
        }
        catch (BadImageFormatException)
        {
            throw new PluginFaultException($"{assembly} is not a .NET assembly.");
        }
    }

    private string WhyMissing(string what, string name, IReadOnlyList<string> known)
    {
        var offered = known.Count == 0 ? "none is loaded" : $"there is {string.Join(", ", known.Order(StringComparer.Ordinal))}";
        var inactive = _plugins.Where(p => p.State != PluginState.Active).Select(p => $" Plugin {p.Name} is {p.State}: {p.Reason}");
        return $"No active plugin offers the {what} '{name}' ({offered}){NearestName.Suggest(name, known)}{string.Concat(inactive)}";
    }
}
