using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Alpaca.Host;

/// <summary>The memory in use on the first NVIDIA card.</summary>
internal static class DeviceMemory
{
    /// <summary>Samples it by nvidia-smi until told to end.</summary>
    /// <returns>The most that was seen, in MiB; 0 where there is no nvidia-smi.</returns>
    public static async Task<double> PeakAsync(CancellationToken end)
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
