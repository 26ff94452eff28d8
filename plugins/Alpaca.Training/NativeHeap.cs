using System.Runtime.InteropServices;

namespace Alpaca.Training;

/// <summary>Keeps glibc from handing memory back to the kernel between the operations of a step, while training on the CPU.</summary>
/// <remarks>
/// Each step allocates and frees the same few hundred tensors. By default glibc returns the freed pages and the kernel clears new ones for the next operation,
/// which took 15 to 25 % of the time of a small model's step. Set both thresholds or none: one alone turns off glibc's own adaptation and is far slower.
/// On other systems and C libraries this does nothing.
/// </remarks>
internal sealed class NativeHeap : IDisposable
{
    private const int TrimThreshold = -1; // M_TRIM_THRESHOLD
    private const int MmapThreshold = -3; // M_MMAP_THRESHOLD
    private const int LargestMmapThreshold = 32 << 20; // the most that glibc accepts
    private readonly bool _active;

    private NativeHeap(bool active) => _active = active;

    /// <summary>Keeps freed memory until the result is disposed.</summary>
    public static NativeHeap KeepFreedMemory()
    {
        if (!OperatingSystem.IsLinux()) return new NativeHeap(false);
        try
        {
            return new NativeHeap(Set(MmapThreshold, LargestMmapThreshold) != 0 && Set(TrimThreshold, int.MaxValue) != 0);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return new NativeHeap(false); // musl
        }
    }

    /// <summary>Gives freed memory back and goes on with what glibc's adaptation arrives at in a process that frees large blocks.</summary>
    public void Dispose()
    {
        if (!_active) return;
        _ = Set(TrimThreshold, 2 * LargestMmapThreshold);
        _ = Trim(0);
    }

    [DllImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Set(int parameter, int value);

    [DllImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Trim(nuint keep);
}
