using System.Runtime.InteropServices;

namespace Alpaca.Host;

/// <summary>The C library's heap, in which native code keeps weights.</summary>
internal static partial class NativeHeap
{
    /// <summary>Gives memory that has been freed back to the system, where the C library can: glibc keeps it otherwise, and a model that was unloaded would seem to be there still.</summary>
    public static void Trim()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = MallocTrim(0);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library, such as musl, gives it back by itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint keep);
}
