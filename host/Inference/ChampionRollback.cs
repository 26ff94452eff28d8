namespace Alpaca.Host;

/// <summary>Rolls a pipeline back to its previous champion where the new one cannot be served.</summary>
internal sealed class ChampionRollback(AlpacaSettings settings, IPluginCatalog catalog, ArtifactStore store, ModelRegistry registry) : IServingFallback
{
    /// <inheritdoc />
    public ServingPlan? For(ServingPlan failed) => ServingPlan.BeforeChampion(failed, settings.Reload(), catalog, store, registry);

    /// <inheritdoc />
    public void Confirm(ServingPlan failed, string reason)
    {
        if (failed.Version is { } version) registry.TakeBack(version.Pipeline, version.Number, $"It could not be served: {reason}");
    }
}
