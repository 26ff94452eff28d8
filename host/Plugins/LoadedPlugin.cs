using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Alpaca.Abstractions;
using McMaster.NETCore.Plugins;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>A plugin's assembly in a load context of its own, collectible but for processes in which plugins live as long as the process, with a service container of its own.</summary>
/// <remarks>
/// The only place that knows McMaster.NETCore.Plugins. Nothing here may outlive <see cref="Dispose"/>: a plugin's type, delegate or exception held anywhere else
/// keeps its load context alive.
/// </remarks>
internal sealed partial class LoadedPlugin : IDisposable
{
    /// <summary>
    /// The assemblies whose types host and plugins exchange, and TorchSharp (<see cref="Load"/>). McMaster adds what they refer to (Microsoft.ML.Tokenizers, Google.Protobuf, Microsoft.Extensions.Primitives);
    /// everything else a plugin brings is its own.
    /// </summary>
    private static readonly string[] SharedAssemblies =
    [
        "Alpaca.Abstractions",
        "Alpaca.Formats",
        "Alpaca.Text",
        "Microsoft.Extensions.Configuration.Abstractions",
        "Microsoft.Extensions.DependencyInjection.Abstractions",
        "Microsoft.Extensions.Logging.Abstractions",
    ];

    private const string TorchSharpName = "TorchSharp";

    // Off in the executable (Alpaca.Host.csproj), on where somebody else's program has the host in it.
    private const string UnloadableSwitch = "Alpaca.Plugins.Unloadable";

    private static readonly HashSet<string> HostAssemblies =
        [.. ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "").Split(Path.PathSeparator).Select(file => Path.GetFileNameWithoutExtension(file))];

    private readonly PluginLoader _loader;
    private ServiceProvider? _services;

    private LoadedPlugin(PluginLoader loader) => _loader = loader;

    public IReadOnlyList<StageDescriptor> Stages { get; private set; } = [];

    public IReadOnlyList<IInferenceBackend> Backends { get; private set; } = [];

    public IServiceProvider Services => _services!;

    /// <summary>Loads a plugin and lets it register what it offers.</summary>
    /// <exception cref="PluginFaultException">The plugin cannot be used; it has been unloaded again.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static LoadedPlugin Load(string assemblyFile, PluginContract contract, IConfiguration configuration, ILoggerFactory loggers, TimeProvider time)
    {
        // References are resolved as they are met: walking them all up front would load a hundred assemblies before the first stage runs.
        var plugin = new LoadedPlugin(PluginLoader.CreateFromAssemblyFile(assemblyFile, config =>
        {
            config.IsUnloadable = !AppContext.TryGetSwitch(UnloadableSwitch, out var isUnloadable) || isUnloadable;
            config.IsLazyLoaded = true;
            foreach (var name in SharedAssemblies) config.SharedAssemblies.Add(new AssemblyName(name));

            // McMaster loads what is named here. It is the host's without that, too, but for a plugin that has brought a copy.
            if (Directory.EnumerateFiles(Path.GetDirectoryName(assemblyFile)!, $"{TorchSharpName}.dll", SearchOption.AllDirectories).Any()) config.SharedAssemblies.Add(new AssemblyName(TorchSharpName));
        }));
        try
        {
            plugin.Configure(IsLookedAtLater(assemblyFile, contract) ? contract.EntryType : null, configuration, loggers, time);
            return plugin;
        }
        catch (Exception e)
        {
            plugin.Dispose();
            throw e as PluginFaultException ?? new PluginFaultException($"It failed while it was loaded: {PluginFaultException.Describe(e)}");
        }
    }

    public void Dispose()
    {
        Stages = [];
        Backends = [];
        try
        {
            // Plugins may register services that only dispose asynchronously; there is no asynchronous caller to hand them to.
            _services?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
        finally
        {
            _services = null;
            _loader.Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Configure(string? entryType, IConfiguration configuration, ILoggerFactory loggers, TimeProvider time)
    {
        var assembly = _loader.LoadDefaultAssembly();
        var entry = CreateEntry(entryType is null ? FindEntryType(assembly) : assembly.GetType(entryType, throwOnError: true)!);
        var services = new ServiceCollection();
        services.AddSingleton(configuration);
        services.AddSingleton(loggers);
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddSingleton(time);
        try
        {
            entry.ConfigureServices(services, configuration);
        }
        catch (Exception e)
        {
            throw new PluginFaultException($"Its ConfigureServices failed: {PluginFaultException.Describe(e)}");
        }

        _services = services.BuildServiceProvider();
        Stages = [.. _services.GetServices<StageDescriptor>()];
        Backends = CreateBackends(_services);
        CheckStages();
    }

    /// <summary>Whether the types of a plugin are not all looked at before they are needed. Those that compute derive from TorchSharp's, so that it would be loaded, and libtorch with it, by processes that compute nothing.</summary>
    private static bool IsLookedAtLater(string assemblyFile, PluginContract contract)
        => contract.EntryType is not null && contract.References.Contains(TorchSharpName)
            && contract.References.All(name => HostAssemblies.Contains(name) || File.Exists(Path.Combine(Path.GetDirectoryName(assemblyFile)!, $"{name}.dll")));

    private static Type FindEntryType(Assembly assembly)
    {
        Type[] types;
        try
        {
            types = assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException e)
        {
            var cause = e.LoaderExceptions.Select(x => x?.Message).Distinct().FirstOrDefault(m => m is not null);
            throw new PluginFaultException($"Some of its types cannot be loaded, so a library is missing or of another version than the one it was built with: {cause}");
        }

        var entries = types.Where(t => t is { IsAbstract: false, IsInterface: false } && typeof(IPlugin).IsAssignableFrom(t)).ToList();
        return entries.Count switch
        {
            1 => entries[0],
            0 => throw new PluginFaultException($"It has no class that implements {nameof(IPlugin)}; exactly one is needed."),
            _ => throw new PluginFaultException($"It has {entries.Count} classes that implement {nameof(IPlugin)} ({string.Join(", ", entries.Select(t => t.Name))}); exactly one is needed."),
        };
    }

    private static IPlugin CreateEntry(Type type)
    {
        if (type.GetConstructor(Type.EmptyTypes) is null)
            throw new PluginFaultException($"Its class {type.Name} has no public constructor without parameters.");
        try
        {
            return (IPlugin)Activator.CreateInstance(type)!;
        }
        catch (Exception e)
        {
            throw new PluginFaultException($"The constructor of its class {type.Name} failed: {PluginFaultException.Describe(e)}");
        }
    }

    private static List<IInferenceBackend> CreateBackends(ServiceProvider services)
    {
        try
        {
            return [.. services.GetServices<IInferenceBackend>()];
        }
        catch (Exception e)
        {
            throw new PluginFaultException($"An inference backend could not be created: {PluginFaultException.Describe(e)}");
        }
    }

    private void CheckStages()
    {
        foreach (var stage in Stages)
        {
            if (!KebabCase().IsMatch(stage.Name))
                throw new PluginFaultException($"Its stage '{stage.Name}' is not named in kebab-case (small letters, digits and hyphens).");
            if (!KebabCase().IsMatch(stage.ArtifactKind))
                throw new PluginFaultException($"The artifact kind '{stage.ArtifactKind}' of its stage '{stage.Name}' is not named in kebab-case (small letters, digits and hyphens).");
            try
            {
                RequestSchema.Describe(stage.RequestType);
            }
            catch (AlpacaException e)
            {
                throw new PluginFaultException($"The request of its stage '{stage.Name}' cannot be used: {e.Message}");
            }
        }
    }

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex KebabCase();
}
