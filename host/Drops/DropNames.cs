using System.Text;

namespace Alpaca.Host;

/// <summary>Names of dropped files.</summary>
internal static class DropNames
{
    private const int LongestBytes = 240; // Of the 255 that file systems allow, with room for ".reason.json".
    private static readonly string[] UnfinishedEndings = [".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", "~"];

    /// <summary>Whether a name is one that copying programs use until they have finished; hidden files count as such.</summary>
    public static bool IsUnfinished(string name) => name.StartsWith('.') || UnfinishedEndings.Any(e => name.EndsWith(e, StringComparison.OrdinalIgnoreCase));

    /// <summary>The name of an accepted file: its digest and its own name, which is shortened where both together are too long.</summary>
    public static string Accepted(string sha256, string name) => $"{sha256}-{Shorten(name, LongestBytes - sha256.Length - 1)}";

    /// <summary>A path in a folder under which neither a file nor its reason exists.</summary>
    public static string Free(string folder, string name)
    {
        var shortened = Shorten(name, LongestBytes - 8);
        for (var i = 1; ; i++)
        {
            var candidate = Path.Combine(folder, i == 1 ? shortened : $"{Path.GetFileNameWithoutExtension(shortened)}-{i}{Path.GetExtension(shortened)}");
            if (!File.Exists(candidate) && !File.Exists($"{candidate}.reason.json")) return candidate;
        }
    }

    private static string Shorten(string name, int bytes)
    {
        if (Encoding.UTF8.GetByteCount(name) <= bytes) return name;
        var extension = Path.GetExtension(name);
        var stem = Path.GetFileNameWithoutExtension(name);
        while (stem.Length > 0 && Encoding.UTF8.GetByteCount(stem) + Encoding.UTF8.GetByteCount(extension) > bytes)
            stem = stem[..^(char.IsLowSurrogate(stem[^1]) && stem.Length > 1 ? 2 : 1)];
        return stem + extension;
    }
}
