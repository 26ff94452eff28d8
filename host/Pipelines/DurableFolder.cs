using System.Runtime.InteropServices;
using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>Folders whose content survives a power cut, and their publication by rename.</summary>
internal static partial class DurableFolder
{
    /// <summary>Writes the content of every file and folder below a folder through to the disk.</summary>
    public static void Flush(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            // Unix flushes what was opened for reading, so that a file that is read-only does not stand in the way; Windows wants to write.
            using var handle = File.OpenHandle(file, FileMode.Open, OperatingSystem.IsWindows() ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite);
            RandomAccess.FlushToDisk(handle);
        }

        foreach (var subfolder in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories)) FlushEntries(subfolder);
        FlushEntries(folder);
    }

    /// <summary>Renames a finished folder into place. Whatever stood there stays until the new one has taken its place.</summary>
    /// <param name="temporary">The finished folder, flushed, in the same parent folder.</param>
    /// <param name="final">Where it goes.</param>
    public static void Publish(string temporary, string final)
    {
        var replaced = TemporaryName.Replaced(final);
        using var use = TemporaryName.Use(replaced);
        var exists = Directory.Exists(final);
        if (exists) Rename.Folder(final, replaced);
        try
        {
            Rename.Folder(temporary, final);
        }
        catch
        {
            if (exists) Rename.Folder(replaced, final);
            throw;
        }

        FlushEntries(Path.GetDirectoryName(final)!);
        if (exists) Directory.Delete(replaced, recursive: true);
    }

    /// <summary>Deletes a folder if it is there; a file that cannot be deleted is left for the next start.</summary>
    public static void TryDelete(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The failure that led here matters more; leftovers are looked for at every start.
        }
    }

    /// <summary>Deletes a folder that holds nothing.</summary>
    public static void DeleteIfEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) TryDelete(folder);
    }

    /// <summary>Writes a folder's own entries (the names in it) through to the disk. Windows journals them by itself.</summary>
    public static void FlushEntries(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(folder, 0);
        if (descriptor < 0) return;
        _ = FSync(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
