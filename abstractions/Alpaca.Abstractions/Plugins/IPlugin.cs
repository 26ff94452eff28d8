using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Abstractions;

/// <summary>The entry point of a plugin: a public class with a parameterless constructor, exactly one per plugin assembly.</summary>
/// <remarks>
/// The plugin's folder and its main assembly carry the same name (<c>plugins/Acme.Trainer/Acme.Trainer.dll</c>). The host gives every plugin a service container
/// of its own and disposes it before the plugin is unloaded. An exception thrown here makes the plugin Faulted, with the message as its reason; the host goes on.
/// </remarks>
public interface IPlugin
{
    /// <summary>Registers the plugin's stages (<see cref="PluginServiceCollectionExtensions.AddStage{TStage,TRequest,TArtifact}"/>) and inference backends.</summary>
    /// <param name="services">The plugin's own container; logging and <see cref="TimeProvider"/> are registered already.</param>
    /// <param name="configuration">The host's configuration.</param>
    void ConfigureServices(IServiceCollection services, IConfiguration configuration);
}
