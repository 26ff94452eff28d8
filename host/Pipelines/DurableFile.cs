using System.Runtime.InteropServices;
using System.Text;
using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>Small files that appear whole or not at all, and survive a power cut.</summary>
internal static partial class DurableFile
{
    private const int FileExists = 17; // EEXIST

    /// <summary>Writes a file unless there is one of that name already.</summary>
    /// <returns>Whether it was written; of two writers, one is told so.</returns>
    public static bool TryCreate(string file, string text)
    {
        var temporary = WriteTemporary(file, text);
        try
        {
            if (!TryName(temporary, file)) return false;
        }
        finally
        {
            File.Delete(temporary);
        }

        DurableFolder.FlushEntries(Path.GetDirectoryName(file)!);
        return true;
    }

    /// <summary>Puts a file in the place of the one of that name, if there is one. Only one process may do so at a time.</summary>
    public static void Replace(string file, string text)
    {
        Rename.File(WriteTemporary(file, text), file, overwrite: true);
        DurableFolder.FlushEntries(Path.GetDirectoryName(file)!);
    }

    /// <summary>Gives a file its final name in one step that fails where the name is taken. A second link, on Unix: to rename replaces, and to look first leaves a gap.</summary>
    private static bool TryName(string temporary, string file)
    {
        if (!OperatingSystem.IsWindows())
        {
            if (Link(temporary, file) == 0) return true;
            if (Marshal.GetLastPInvokeError() == FileExists) return false;
        }

        // On a file system without links, and on Windows.
        try
        {
            Rename.File(temporary, file, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(file))
        {
            return false;
        }
    }

    private static string WriteTemporary(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var temporary = $"{TemporaryName.Partial(file)}-{Environment.CurrentManagedThreadId}";
        using var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None);
        stream.Write(Encoding.UTF8.GetBytes(text));
        stream.Flush(flushToDisk: true);
        return temporary;
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string existing, string name);
}
