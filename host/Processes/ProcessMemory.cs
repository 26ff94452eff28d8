using System.Diagnostics;
using System.Globalization;

namespace Alpaca.Host;

/// <summary>What memory another process takes.</summary>
internal static class ProcessMemory
{
    /// <summary>Memory in use that belongs to the process alone, in bytes: without files in the page cache, which the system takes back when it needs to.</summary>
    /// <returns>The bytes; 0 where it has just ended.</returns>
    public static long AnonymousBytes(Process process)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                process.Refresh();
                return process.PrivateMemorySize64;
            }

            // RssAnon of proc(5).
            var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/status")).FirstOrDefault(l => l.StartsWith("RssAnon:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return 0;
        }
    }
}
