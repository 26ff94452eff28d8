using System.Runtime.Versioning;

namespace Alpaca.Host;

/// <summary>What users outside the owner and group of a file may do to it. On Windows nothing is known of that: folders have lists of rights, which the installer sets.</summary>
internal static class OtherUsers
{
    /// <summary>Whether they may read a file: it is open to them, and so is every folder on the way.</summary>
    public static bool CanRead(string file) => !OperatingSystem.IsWindows() && File.GetUnixFileMode(file).HasFlag(UnixFileMode.OtherRead) && CanReach(file);

    /// <summary>What of a folder they may change, or <see langword="null"/>: the folder itself, something below it, or a folder on the way in which they could put another in its place.</summary>
    public static string? WhatCanBeWritten(string folder)
    {
        if (OperatingSystem.IsWindows() || !CanReach(folder)) return null;
        foreach (var above in Above(folder))
        {
            // Where the sticky bit is set, as for /tmp, they cannot rename what is not theirs.
            if ((File.GetUnixFileMode(above) & (UnixFileMode.OtherWrite | UnixFileMode.StickyBit)) == UnixFileMode.OtherWrite) return above;
        }

        var everything = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 };
        foreach (var path in Directory.EnumerateFileSystemEntries(folder, "*", everything).Prepend(folder))
        {
            if (File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherWrite)) return path;
        }

        return null;
    }

    [UnsupportedOSPlatform("windows")]
    private static bool CanReach(string path) => Above(path).All(IsOpen);

    [UnsupportedOSPlatform("windows")]
    private static bool IsOpen(string folder) => File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute);

    private static IEnumerable<string> Above(string path)
    {
        for (var above = Path.GetDirectoryName(Path.GetFullPath(path)); above is not null; above = Path.GetDirectoryName(above)) yield return above;
    }
}
