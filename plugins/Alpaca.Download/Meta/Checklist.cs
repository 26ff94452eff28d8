using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>A <c>.chk</c> file: the output of <c>md5sum</c>, one <c>&lt;32 hex digits&gt;&lt;2 spaces&gt;&lt;file name&gt;</c> a line.</summary>
internal static class Checklist
{
    /// <summary>Reads the digests by file name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="displayName">Its name in error messages.</param>
    /// <exception cref="AlpacaException">A line has another form, or names a file outside the checklist's folder.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path, string displayName)
    {
        var digests = new Dictionary<string, string>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;

            // md5sum marks binary mode with '*' in place of the second space.
            var name = line.Length > 34 ? line[34..].TrimEnd() : "";
            var separator = line.Length > 34 && line[32] == ' ' && line[33] is ' ' or '*';
            if (!separator || name.Length == 0 || !line.AsSpan(0, 32).ContainsOnlyHexDigits())
                throw new AlpacaException($"{displayName} line {number} is not of the form '<32 hex digits>  <file name>'; fetch the checklist again.");
            if (!RelativeName.IsSafeFileName(name))
                throw new AlpacaException($"{displayName} line {number} names '{name}', which is not a plain file name; do not trust this source.");
            digests[name] = line[..32].ToLowerInvariant();
        }

        return digests;
    }

    private static bool ContainsOnlyHexDigits(this ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c)) return false;
        }

        return true;
    }
}
