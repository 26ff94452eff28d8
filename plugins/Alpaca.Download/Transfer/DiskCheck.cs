using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Refuses to begin what the disk cannot hold.</summary>
internal static class DiskCheck
{
    /// <summary>Checks before the first byte is fetched.</summary>
    /// <param name="missing">The bytes that are still to come.</param>
    /// <param name="folder">Where they are put.</param>
    /// <param name="freeBytes">How many bytes are free on the disk of a folder.</param>
    /// <exception cref="AlpacaException">There is too little space.</exception>
    public static void Require(long missing, string folder, Func<string, long> freeBytes)
    {
        if (missing <= 0) return;
        var free = freeBytes(folder);
        if (free >= missing) return;
        throw new AlpacaException(
            $"The files still to fetch have {Text(missing)} and the disk of {folder} has {Text(free)} free; free {Text(missing - free)} there, or choose a folder on another disk. Nothing was fetched.");
    }

    private static string Text(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes"),
    };
}
