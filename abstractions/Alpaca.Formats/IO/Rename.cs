namespace Alpaca.Formats;

#pragma warning disable RS0030 // the one place for it
/// <summary>Gives what is finished its final name. Every rename goes through here, because it is where a process that dies leaves either the old state or the new one.</summary>
public static class Rename
{
    /// <summary>Told right before and right after each rename, with the old and the new path: where a test lets the process die.</summary>
    internal static Action<RenameMoment, string, string>? Observer { get; set; }

    /// <summary>Renames a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="newPath">Its new path, on the same file system for the rename to be atomic.</param>
    /// <param name="overwrite">Whether a file of that name is replaced. The default is <see langword="false"/>.</param>
    /// <exception cref="IOException">There is a file of that name, or the disk cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder cannot be written to.</exception>
    public static void File(string path, string newPath, bool overwrite = false) => With(path, newPath, (from, to) => System.IO.File.Move(from, to, overwrite));

    /// <summary>Renames a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="newPath">Its new path, on the same file system; nothing may be there.</param>
    /// <exception cref="IOException">Something of that name is there, or the disk cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder cannot be written to.</exception>
    public static void Folder(string path, string newPath) => With(path, newPath, Directory.Move);

    /// <summary>Renames something in a way that these two do not know.</summary>
    /// <param name="path">What is renamed.</param>
    /// <param name="newPath">Its new path.</param>
    /// <param name="rename">Renames the first to the second, in one step.</param>
    public static void With(string path, string newPath, Action<string, string> rename)
    {
        ArgumentNullException.ThrowIfNull(rename);
        Observer?.Invoke(RenameMoment.Before, path, newPath);
        rename(path, newPath);
        Observer?.Invoke(RenameMoment.After, path, newPath);
    }
}

/// <summary>Which side of a rename it is.</summary>
internal enum RenameMoment
{
    /// <summary>Nothing has changed yet.</summary>
    Before,

    /// <summary>The new name stands.</summary>
    After,
}
