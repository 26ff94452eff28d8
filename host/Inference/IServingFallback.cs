namespace Alpaca.Host;

/// <summary>What goes on where a model that is to be served cannot be.</summary>
internal interface IServingFallback
{
    /// <summary>What is to be served instead, if that can be loaded as things are.</summary>
    /// <param name="failed">What cannot be served.</param>
    /// <returns><see langword="null"/> where there is nothing to go back to.</returns>
    ServingPlan? For(ServingPlan failed);

    /// <summary>Makes the change last, once what is served instead has proved that it runs: the fault lies with the other.</summary>
    /// <param name="failed">What cannot be served.</param>
    /// <param name="reason">Why, one sentence.</param>
    void Confirm(ServingPlan failed, string reason);
}
