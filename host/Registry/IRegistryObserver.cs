namespace Alpaca.Host;

/// <summary>Told what becomes of a pipeline's versions, after the fact, on the thread that did it: it has to be quick, and what it throws is logged and otherwise ignored.</summary>
public interface IRegistryObserver
{
    /// <summary>A version has become the champion.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="version">The version.</param>
    /// <param name="reason">Why, one sentence.</param>
    void Promoted(string pipeline, ModelVersion version, string reason);

    /// <summary>A version was refused: it failed a rule, or could not be served after its promotion.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="version">The version.</param>
    /// <param name="reason">Why, one sentence.</param>
    void Rejected(string pipeline, ModelVersion version, string reason);

    /// <summary>An earlier version is the champion again.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="version">The version that is the champion now.</param>
    /// <param name="reason">Why, one sentence.</param>
    void RolledBack(string pipeline, ModelVersion version, string reason);
}
