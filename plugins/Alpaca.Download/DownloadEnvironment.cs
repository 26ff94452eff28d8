using Alpaca.Formats;

namespace Alpaca.Download;

/// <summary>What the stage asks of the world around it besides its clock.</summary>
internal sealed record DownloadEnvironment
{
    /// <summary>Reads an environment variable.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>How many bytes are free on the disk of a folder.</summary>
    public Func<string, long> FreeBytes { get; init; } = DiskRoom.FreeBytes;

    /// <summary>The published digests.</summary>
    public KnownDigests Known { get; init; } = KnownDigests.Llama;

    /// <summary>How patient transfers are.</summary>
    public TransferSettings Transfers { get; init; } = new();
}
