using Alpaca.Abstractions;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Host;

/// <summary>A stage that an active plugin offers.</summary>
public sealed class PluginStage
{
    // Cleared when the plugin is unloaded, so that a stage somebody still holds does not keep the plugin in memory.
    private StageDescriptor? _descriptor;
    private IServiceProvider? _services;

    internal PluginStage(StageDescriptor descriptor, IServiceProvider services, PluginInfo plugin)
    {
        _descriptor = descriptor;
        _services = services;
        Name = descriptor.Name;
        ArtifactKind = descriptor.ArtifactKind;
        Plugin = plugin;
    }

    /// <summary>The name by which pipelines and the command line call it.</summary>
    public string Name { get; }

    /// <summary>The kind of artifact it makes.</summary>
    public string ArtifactKind { get; }

    /// <summary>The plugin it comes from.</summary>
    public PluginInfo Plugin { get; }

    /// <summary>The type whose properties are the stage's options (<see cref="RequestSchema"/>). It may be a plugin's own: never keep it longer than the catalog lives.</summary>
    public Type RequestType => Descriptor.RequestType;

    private StageDescriptor Descriptor => _descriptor ?? throw new ObjectDisposedException(Name, $"The plugin {Plugin.Name} has been unloaded.");

    /// <summary>Whether the stage can say what it would do.</summary>
    public bool CanPlan => Descriptor.CanPlan;

    /// <summary>Says what the stage would do, with the checks that come before the first byte.</summary>
    /// <param name="request">An instance of <see cref="RequestType"/>.</param>
    /// <returns>The plan, or <see langword="null"/> when the stage cannot tell.</returns>
    /// <exception cref="AlpacaException">The stage would fail for a reason the user can mend.</exception>
    public StagePlan? Plan(object request)
    {
        using var scope = _services!.CreateScope();
        return Descriptor.Plan(scope.ServiceProvider, request);
    }

    /// <summary>Whether the stage can show its data.</summary>
    public bool CanPreview => Descriptor.CanPreview;

    /// <summary>Shows data as the stage's model will see it.</summary>
    /// <param name="request">An instance of <see cref="RequestType"/>.</param>
    /// <param name="count">How many samples, at least 1.</param>
    /// <returns>The preview, or <see langword="null"/> when the stage cannot tell.</returns>
    /// <exception cref="AlpacaException">The data cannot be used.</exception>
    public DataPreview? Preview(object request, int count)
    {
        using var scope = _services!.CreateScope();
        return Descriptor.Preview(scope.ServiceProvider, request, count);
    }

    /// <summary>Runs the stage, as a new instance with a service scope of its own.</summary>
    /// <param name="request">An instance of <see cref="RequestType"/>.</param>
    /// <param name="context">Where to write and whom to tell.</param>
    /// <param name="cancellationToken">Ends the stage early.</param>
    /// <exception cref="AlpacaException">The stage failed for a reason the user can mend.</exception>
    public async Task<Artifact> ExecuteAsync(object request, StageContext context, CancellationToken cancellationToken = default)
    {
        var descriptor = Descriptor;
        await using var scope = _services!.CreateAsyncScope();
        var artifact = await descriptor.ExecuteAsync(scope.ServiceProvider, request, context, cancellationToken).ConfigureAwait(false)
            ?? throw new AlpacaException($"The stage {Name} of plugin {Plugin.Name} returned no artifact; report it to the plugin's author.");
        if (artifact.Kind != ArtifactKind)
            throw new AlpacaException($"The stage {Name} of plugin {Plugin.Name} made a '{artifact.Kind}' though it is registered for '{ArtifactKind}'; report it to the plugin's author.");
        return artifact;
    }

    internal void Release()
    {
        _descriptor = null;
        _services = null;
    }
}
