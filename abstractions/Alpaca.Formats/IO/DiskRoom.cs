using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Looks whether an output fits on the disk before its first byte is written.</summary>
public static class DiskRoom
{
    /// <summary>Refuses an output that does not fit.</summary>
    /// <param name="folder">An existing folder on the disk.</param>
    /// <param name="bytes">Bytes of the output.</param>
    /// <param name="what">What is to be written: <c>the merged model</c>.</param>
    /// <param name="freeBytes">How many bytes are free on the disk of a folder. The default asks the operating system.</param>
    /// <exception cref="AlpacaException">There is less room than that.</exception>
    public static void Require(string folder, long bytes, string what, Func<string, long>? freeBytes = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var free = (freeBytes ?? FreeBytes)(folder);
        if (free < bytes)
        {
            throw new AlpacaException(
                $"There is too little room for {what}: it takes {Text(bytes)} and the disk of {folder} has {Text(free)} free; free {Text(bytes - free)} there, or choose a folder on another disk. Nothing was written.");
        }
    }

    /// <summary>How many bytes the operating system has free for this user on the disk of a folder.</summary>
    public static long FreeBytes(string folder) => new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;

    private static string Text(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes"),
    };
}
