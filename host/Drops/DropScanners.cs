using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>The one that looks through each pipeline's drop folder, for who watches it and for runs that begin.</summary>
internal sealed class DropScanners
{
    private readonly Dictionary<string, DropScanner> _scanners;

    public DropScanners(WatchedPipelines watched, AlpacaMetrics metrics, TimeProvider time, ILogger<DropWatcher> log)
        => _scanners = watched.Drops.ToDictionary(drop => drop.Pipeline, drop => new DropScanner(drop.Pipeline, drop.Folder, metrics, time, log));

    /// <summary>A pipeline's; it has a drop folder.</summary>
    public DropScanner Of(string pipeline) => _scanners[pipeline];
}
