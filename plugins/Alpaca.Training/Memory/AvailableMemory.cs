using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>The memory that a process can still get.</summary>
internal static class AvailableMemory
{
    private const string ControlGroups = "/sys/fs/cgroup";

    /// <summary>Free bytes on a device.</summary>
    /// <returns><see langword="null"/> where the system does not tell.</returns>
    public static long? On(Device device) => device.type == DeviceType.CPU ? OnHost() : OnCuda(device);

    private static long? OnHost()
    {
        if (!OperatingSystem.IsLinux())
        {
            var memory = GC.GetGCMemoryInfo();
            return memory.TotalAvailableMemoryBytes > 0 ? Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes) : null;
        }

        try
        {
            var line = File.ReadLines("/proc/meminfo").FirstOrDefault(l => l.StartsWith("MemAvailable:", StringComparison.Ordinal));
            long? free = line is null ? null : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
            return LimitsOfGroup().Append(free).Min();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    // cgroup v2: a group's limit holds for everything below it.
    private static IEnumerable<long?> LimitsOfGroup()
    {
        var group = File.ReadLines("/proc/self/cgroup").FirstOrDefault(l => l.StartsWith("0::", StringComparison.Ordinal))?[3..];
        for (var path = group; path is not null; path = Path.GetDirectoryName(path))
        {
            var folder = ControlGroups + path;
            if (Read(Path.Combine(folder, "memory.max")) is { } limit && Read(Path.Combine(folder, "memory.current")) is { } used) yield return Math.Max(0, limit - used);
        }

        static long? Read(string file) => File.Exists(file) && long.TryParse(File.ReadAllText(file), NumberStyles.None | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    // The driver answers for the device of the thread's context, which a tensor there makes current.
    private static long? OnCuda(Device device)
    {
        using var any = zeros(1, device: device);
        try
        {
            return GetDeviceMemory(out var free, out _) == 0 ? (long)free : null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    [DllImport("libcuda.so.1", EntryPoint = "cuMemGetInfo_v2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetDeviceMemory(out nuint free, out nuint total);
}
