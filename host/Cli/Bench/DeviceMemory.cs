using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Alpaca.Host;

/// <summary>The memory in use on the first NVIDIA card.</summary>
internal static class DeviceMemory
{
    /// <summary>Waits for something, and samples the memory meanwhile.</summary>
    /// <param name="isWanted">Whether to sample at all.</param>
    /// <param name="work">What is waited for.</param>
    /// <returns>Its result, and the most that was seen, in MiB; 0 where it is not wanted or there is no nvidia-smi.</returns>
    public static async Task<(T Result, double PeakMegabytes)> WatchAsync<T>(bool isWanted, Task<T> work)
    {
        if (!isWanted) return (await work, 0);
        using var end = new CancellationTokenSource();
        var peak = PeakAsync(end.Token);
        try
        {
            return (await work, await StopAsync());
        }
        finally
        {
            await StopAsync();
        }

        async Task<double> StopAsync()
        {
            await end.CancelAsync();
            return await peak;
        }
    }

    private static async Task<double> PeakAsync(CancellationToken end)
    {
        var peak = 0.0;
        try
        {
            using var process = Process.Start(new ProcessStartInfo("nvidia-smi", ["--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0", "--loop-ms=50"]) { RedirectStandardOutput = true })!;
            using var kill = end.Register(() => process.Kill());
            while (await process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
            {
                if (double.TryParse(line, CultureInfo.InvariantCulture, out var used)) peak = Math.Max(peak, used);
            }
        }
        catch (Win32Exception)
        {
            // There is none.
        }

        return peak;
    }
}
