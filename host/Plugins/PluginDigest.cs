using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Alpaca.Host;

/// <summary>The SHA-256 of a plugin: of a list of its files, one line each, <c>sha256 path</c>, in the order of the paths. <c>plugins --digests</c> shows it, and <c>Plugins:Sha256</c> asks for it.</summary>
internal static class PluginDigest
{
    private const int Length = 64;

    /// <summary>Reads a plugin's files.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    public static string Of(string folder)
    {
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => (Path: Path.GetRelativePath(folder, file).Replace('\\', '/'), File: file));
        var list = new StringBuilder();
        foreach (var (path, file) in files.OrderBy(f => f.Path, StringComparer.Ordinal))
        {
            using var stream = File.OpenRead(file);
            list.Append(FileDigest.Compute(stream, _ => { }, CancellationToken.None)).Append(' ').Append(path).Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list.ToString())));
    }

    /// <summary>Reads <c>Plugins:Sha256</c>.</summary>
    public static Dictionary<string, string> ReadPins(JsonObject root, List<string> errors)
    {
        var pins = new Dictionary<string, string>();
        foreach (var (name, value) in (root["Plugins"] as JsonObject)?["Sha256"] as JsonObject ?? [])
        {
            var text = value is JsonValue single ? ConfigurationTree.TextOf(single) : "";
            if (text.Length == Length && text.All(char.IsAsciiHexDigit)) pins[name] = text.ToLowerInvariant();
            else errors.Add($"Plugins:Sha256:{name} is '{text}'; it must be {Length} hexadecimal digits, as `alpaca plugins --digests` shows them.");
        }

        return pins;
    }
}
