using Alpaca.Host;
using Alpaca.Host.Torch;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>How .NET code gets the configured model.</summary>
public static class InferenceServiceCollectionExtensions
{
    /// <summary>Registers the model of the section <c>Inference</c> as <see cref="IChatClient"/> and <see cref="IServedModels"/>, and what loads it.</summary>
    /// <remarks>
    /// It is loaded in the background once the host has started, and follows changes of the configuration as <c>alpaca serve</c> does; until it is there, calls throw a <see cref="ModelUnavailableException"/>.
    /// </remarks>
    /// <param name="services">The host's container.</param>
    /// <param name="settings">The configuration, from <see cref="AlpacaSettings.Load(string?, string?, IReadOnlyList{string}, string?)"/>.</param>
    public static IServiceCollection AddAlpacaInference(this IServiceCollection services, AlpacaSettings settings)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(settings);
        LibTorch.Register(); // in a program other than alpaca nobody has
        TorchLibrary.Use(settings);
        services.AddAlpacaEngine(settings);
        services.AddSingleton<ModelLoader>();
        services.AddSingleton(provider => new ServedModels(
            () => ServingPlan.Read(settings.Reload(), provider.GetRequiredService<IPluginCatalog>(), provider.GetRequiredService<ArtifactStore>(), provider.GetRequiredService<ModelRegistry>()),
            (plan, cancellationToken) => provider.GetRequiredService<ModelLoader>().LoadAsync(plan.Model, cancellationToken),
            ActivatorUtilities.CreateInstance<ChampionRollback>(provider, settings),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ServedModels>>()));
        services.AddSingleton<IServedModels>(provider => provider.GetRequiredService<ServedModels>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<ServedModels>());
        services.AddSingleton<IChatClient>(provider => new AlpacaChatClient(provider.GetRequiredService<IServedModels>()));
        return services;
    }
}
