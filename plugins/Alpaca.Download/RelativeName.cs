using System.Buffers;

namespace Alpaca.Download;

/// <summary>Names of files below a source and below an output folder: relative, with <c>/</c>. What a list from outside says is only used as a path after this check.</summary>
internal static class RelativeName
{
    // Of these, '\' separates folders, ':' names drives and streams, and the rest cannot be in a name on Windows; control characters are refused too.
    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\\:*?\"<>|");

    /// <summary>Whether a name stays below the folder it is put in, on every system.</summary>
    public static bool IsSafe(string name)
        => name.Length is > 0 and <= 1024 && name.AsSpan().IndexOfAny(Forbidden) < 0 && !name.Any(char.IsControl) && name.Split('/').All(IsSafeSegment);

    /// <summary>Whether a name is safe and has no folder in it.</summary>
    public static bool IsSafeFileName(string name) => IsSafe(name) && !name.Contains('/', StringComparison.Ordinal);

    /// <summary>The path of a safe name below a folder.</summary>
    public static string Below(string folder, string name) => Path.Combine([folder, .. name.Split('/')]);

    /// <summary>The name of a file below a folder.</summary>
    public static string Of(string folder, string path) => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/');

    // Windows drops dots and blanks at the end, so that ".. " would be "..".
    private static bool IsSafeSegment(string segment) => segment.Length > 0 && segment[^1] is not ('.' or ' ');
}
