namespace Alpaca.Host.Tests.Registry;

/// <summary>Remembers what it was told, and throws each time.</summary>
internal sealed class RegistryEvents : IRegistryObserver
{
    public List<string> Seen { get; } = [];

    public void Promoted(string pipeline, ModelVersion version, string reason) => Note("promoted", pipeline, version, reason);

    public void Rejected(string pipeline, ModelVersion version, string reason) => Note("rejected", pipeline, version, reason);

    public void RolledBack(string pipeline, ModelVersion version, string reason) => Note("rolled back to", pipeline, version, reason);

    private void Note(string what, string pipeline, ModelVersion version, string reason)
    {
        Seen.Add($"{pipeline}: {what} {version.Number}: {reason}");
        throw new InvalidOperationException("This observer is broken.");
    }
}
