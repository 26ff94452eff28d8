using Alpaca.Host;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>How the host gets its plugins and pipelines.</summary>
public static class EngineServiceCollectionExtensions
{
    /// <summary>Registers the plugin catalog, the artifact store, the run history, and what plans and runs pipelines and stages.</summary>
    /// <remarks>Plugins are loaded when the catalog is first asked for, and unloaded with the container.</remarks>
    /// <param name="services">The host's container.</param>
    /// <param name="settings">The configuration.</param>
    public static IServiceCollection AddAlpacaEngine(this IServiceCollection services, AlpacaSettings settings)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(settings);
        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton<IPluginCatalog>(s => new PluginCatalog(
            settings.PluginFolders, settings.DisabledPlugins, new ConfigurationBuilder().AddInMemoryCollection(SecretKeys.Without(settings.Configuration)).Build(),
            s.GetRequiredService<ILoggerFactory>(), s.GetRequiredService<TimeProvider>(), settings.PluginDigests));
        services.AddSingleton(RunDatabase.Of(settings));
        services.AddSingleton(new ArtifactStore(settings.WorkspaceFolder));
        services.TryAddSingleton(new DiskSpace());
        services.AddSingleton<RunStore>();
        services.AddSingleton<ModelRegistry>();
        services.AddSingleton<PromotionGate>();
        services.AddSingleton<ContentDigests>();
        services.AddSingleton<PipelineValidator>();
        services.AddSingleton<PipelinePlanner>();
        services.TryAddSingleton<IStageExecutor, InProcessStageExecutor>();
        services.AddSingleton<PipelineRunner>();
        services.AddSingleton<StageRunner>();
        return services;
    }
}
