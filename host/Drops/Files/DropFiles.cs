using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>The file system as drops need it: nothing follows a link, opens what is no file, or replaces anything.</summary>
/// <remarks>On Linux names are bytes, and those that are not UTF-8 are written as <see cref="EscapedName"/> says; only this class understands such paths.</remarks>
internal static class DropFiles
{
    /// <summary>The names in a folder, those of hidden files among them, in ordinal order.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static List<string> Names(string folder)
    {
        var names = OperatingSystem.IsLinux() ? LinuxFiles.Names(folder) : [.. Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path))];
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>How something looks now.</summary>
    /// <returns><see langword="null"/> where there is nothing of that name.</returns>
    /// <exception cref="IOException">That cannot be told.</exception>
    public static DropState? StateOf(string path)
    {
        if (OperatingSystem.IsLinux()) return LinuxFiles.StateOf(path);
        var info = new FileInfo(path);
        if (!Path.Exists(path) && info.LinkTarget is null) return null;
        var kind = info.Attributes.HasFlag(FileAttributes.ReparsePoint) ? DropKind.Link : info.Attributes.HasFlag(FileAttributes.Directory) ? DropKind.Folder : DropKind.File;
        return new DropState(kind, 0, kind == DropKind.File ? info.Length : 0, info.LastWriteTimeUtc.Ticks, info.CreationTimeUtc.Ticks);
    }

    /// <summary>Opens a file to read it once from its start to its end.</summary>
    /// <exception cref="IOException">It cannot be opened, somebody has locked it, or it is no file but a link, say.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream OpenRead(string path)
    {
        if (OperatingSystem.IsLinux()) return new FileStream(LinuxFiles.OpenRead(path), FileAccess.Read, bufferSize: 0);
        if (StateOf(path) is not { Kind: DropKind.File }) throw new IOException("It is not a file.");
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
    }

    /// <summary>Gives something another name; a link is moved itself.</summary>
    /// <exception cref="IOException">It cannot be moved, or there is something of that name.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be moved.</exception>
    public static void Move(string source, string target)
    {
        if (OperatingSystem.IsLinux()) Rename.With(source, target, LinuxFiles.Move);
        else if (File.GetAttributes(source).HasFlag(FileAttributes.Directory)) Rename.Folder(source, target);
        else Rename.File(source, target);
    }

    /// <summary>Makes a file to be renamed when it is complete. What a killed process left under that name is removed, and a link that somebody laid there is, too.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static FileStream CreateTemporary(string path)
    {
        File.Delete(path);
        return new FileStream(path, FileMode.CreateNew);
    }
}
