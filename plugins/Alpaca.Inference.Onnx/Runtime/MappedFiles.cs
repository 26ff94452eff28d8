using System.Globalization;
using System.Runtime.InteropServices;

namespace Alpaca.Inference.Onnx;

/// <summary>Makes a loaded model independent of its files.</summary>
/// <remarks>
/// ONNX Runtime maps the weights that it does not repack, such as the embedding, and has no option against it. Whoever then shortens the file, as a copy over it does, ends the process at the next look at one of them (SIGBUS), and
/// whoever overwrites it changes the model. So on Linux each mapping is replaced by memory with the same contents, at the same address and in one go. Windows refuses to touch a file that is mapped.
/// </remarks>
internal static unsafe partial class MappedFiles
{
    private const int ReadWrite = 1 | 2;
    private const int PrivateAnonymous = 0x02 | 0x20;
    private const int MayMoveFixed = 1 | 2;

    /// <summary>Replaces the mappings of all files in a model's folder by memory. What cannot be replaced stays as it is.</summary>
    public static void Detach(string modelFile)
    {
        if (!OperatingSystem.IsLinux()) return;
        var folder = RealFolder(modelFile);
        foreach (var line in File.ReadAllLines("/proc/self/maps"))
        {
            // 7f81e8880000-7f81f8280000 rw-p 00080000 fe:00 11673888                   /models/a/model.onnx.data
            var path = line.IndexOf('/');
            if (path < 0 || Path.GetDirectoryName(line[path..]) != folder) continue;
            var fields = line[..path].Split(' ');
            if (fields[1] != "rw-p") continue;
            var range = fields[0].Split('-');
            Replace(Address(range[0]), Address(range[1]));
        }

        static nuint Address(string text) => nuint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    /// <summary>The folder as the system knows it, links followed.</summary>
    private static string? RealFolder(string modelFile)
    {
        using var file = File.OpenHandle(modelFile);
        return Path.GetDirectoryName(File.ResolveLinkTarget($"/proc/self/fd/{file.DangerousGetHandle()}", returnFinalTarget: false)?.FullName);
    }

    private static void Replace(nuint start, nuint end)
    {
        var length = end - start;
        var copy = MemoryMap(0, length, ReadWrite, PrivateAnonymous, -1, 0);
        if (copy == -1) return;
        Buffer.MemoryCopy((void*)start, (void*)copy, length, length);
        if (MemoryRemap(copy, length, length, MayMoveFixed, (nint)start) == -1) _ = MemoryUnmap(copy, length);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint MemoryMap(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "mremap")]
    private static partial nint MemoryRemap(nint address, nuint length, nuint newLength, int flags, nint newAddress);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int MemoryUnmap(nint address, nuint length);
}
