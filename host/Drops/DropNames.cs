using System.Globalization;
using System.Text;

namespace Alpaca.Host;

/// <summary>Names of dropped files.</summary>
internal static class DropNames
{
    private const int LongestBytes = 240; // Of the 255 that file systems allow, with room for ".reason.json".
    private const int NumberBytes = 8;
    private const int MostNumbers = 99;
    private const string NoReason = ".dropped"; // Ends the names of files that would be taken for a reason.
    private static readonly string[] UnfinishedEndings = [".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", "~"];

    /// <summary>Whether a name is one that copying programs use until they have finished; hidden files count as such.</summary>
    public static bool IsUnfinished(string name)
        => (name.StartsWith('.') && !name.EndsWith(DropReason.Ending, StringComparison.Ordinal)) || UnfinishedEndings.Any(e => name.EndsWith(e, StringComparison.OrdinalIgnoreCase));

    /// <summary>The name of an accepted file: its digest and its own name, which is shortened where both together are too long.</summary>
    public static string Accepted(string sha256, string name) => $"{sha256}-{Shorten(Printable(name), LongestBytes - sha256.Length - 1)}";

    /// <summary>A path in a folder under which neither a file nor its reason exists, except the same reason, left over from a move that was cut short.</summary>
    public static string Free(string folder, DropReason reason)
    {
        var name = Printable(reason.File);
        if (name.EndsWith(DropReason.Ending, StringComparison.Ordinal)) name += NoReason;
        var shortened = Shorten(name, LongestBytes - NumberBytes);
        for (var i = 1; ; i++)
        {
            // A name that comes again and again would have to be looked for ever longer.
            var number = i <= MostNumbers ? i.ToString(CultureInfo.InvariantCulture) : Guid.NewGuid().ToString("N")[..NumberBytes];
            var candidate = Path.Combine(folder, i == 1 ? shortened : $"{Path.GetFileNameWithoutExtension(shortened)}-{number}{Path.GetExtension(shortened)}");
            if (DropFiles.StateOf(candidate) is null && (DropFiles.StateOf(candidate + DropReason.Ending) is null || DropReason.TryRead(candidate)?.IsSameAs(reason) == true)) return candidate;
        }
    }

    /// <summary>A name on one line that every program can show: control characters, and bytes that are not UTF-8, become <c>%0A</c>, <c>%FF</c>.</summary>
    public static string Printable(string name)
    {
        if (EscapedName.IsPlain(name) && !name.Any(IsControl)) return name;
        var bytes = EscapedName.Encode(name).AsSpan()[..^1];
        var text = new StringBuilder();
        while (!bytes.IsEmpty)
        {
            var isText = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == System.Buffers.OperationStatus.Done && !(rune.IsBmp && IsControl((char)rune.Value));
            if (isText) text.Append(rune.ToString());
            else
                foreach (var value in bytes[..length]) text.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
            bytes = bytes[length..];
        }

        return text.ToString();
    }

    private static bool IsControl(char character) => char.IsControl(character) || character is '\u2028' or '\u2029';

    private static string Shorten(string name, int bytes)
    {
        var extension = Path.GetExtension(name);
        if (Encoding.UTF8.GetByteCount(extension) > bytes / 2) extension = "";
        var stem = name[..^extension.Length];
        while (Encoding.UTF8.GetByteCount(stem) + Encoding.UTF8.GetByteCount(extension) > bytes) stem = stem[..^(stem.Length > 1 && char.IsLowSurrogate(stem[^1]) ? 2 : 1)];
        return stem + extension;
    }
}
