using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Looks whether an output fits on the disk before its first byte is written.</summary>
public static class DiskRoom
{
    /// <summary>Refuses an output that does not fit.</summary>
    /// <param name="folder">An existing folder on the disk.</param>
    /// <param name="bytes">Bytes of the output.</param>
    /// <param name="what">What is to be written, as a sentence's subject: <c>The merged model</c>.</param>
    /// <exception cref="AlpacaException">There is less room than that.</exception>
    public static void Require(string folder, long bytes, string what)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (free < bytes)
        {
            throw new AlpacaException($"{what} takes {Text(bytes)} and the disk of {folder} has {Text(free)} free; make room or choose a folder on another disk.");
        }
    }

    private static string Text(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.00} GB");
}
