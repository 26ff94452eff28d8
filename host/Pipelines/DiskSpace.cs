using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>Refuses to start a stage whose output will not fit on the disk.</summary>
public sealed class DiskSpace
{
    private const long Reserve = 64L << 20;

    // Stages that make these write about as many bytes as they read; adapters, tokenizers and figures are small.
    private static readonly string[] LargeKinds = [ArtifactKinds.Weights, ArtifactKinds.Model, ArtifactKinds.Onnx];

    private readonly Func<string, long> _available;

    /// <summary>Asks the operating system.</summary>
    public DiskSpace() : this(DiskRoom.FreeBytes) { }

    /// <summary>Asks somebody else how many bytes are free below a folder.</summary>
    public DiskSpace(Func<string, long> available)
    {
        ArgumentNullException.ThrowIfNull(available);
        _available = available;
    }

    /// <summary>Checks before a stage starts.</summary>
    /// <param name="stage">The stage's name, for the message.</param>
    /// <param name="artifactKind">What it makes.</param>
    /// <param name="inputBytes">The size of its inputs.</param>
    /// <param name="folder">An existing folder on the disk it writes to.</param>
    /// <exception cref="AlpacaException">There is too little space.</exception>
    public void Require(string stage, string artifactKind, long inputBytes, string folder)
    {
        var needed = Reserve + (LargeKinds.Contains(artifactKind) ? inputBytes : 0);
        var available = _available(folder);
        if (available >= needed) return;
        throw new AlpacaException(
            $"Stage {stage} needs about {Text(needed)} of free space in {folder} and there is {Text(available)}; free some, or choose a workspace on another disk with --workspace.");
    }

    private static string Text(long bytes) => bytes >= 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0} MiB");
}
