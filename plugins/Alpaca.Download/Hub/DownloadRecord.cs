using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary><c>download.json</c> beside the files of a repository: where they are from, and their digests to check them against later.</summary>
internal static class DownloadRecord
{
    /// <summary>The file's name.</summary>
    public const string FileName = "download.json";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes the record; a repository that has a file of that name keeps its own.</summary>
    public static void Write(string folder, string source, string revision, string commit, IReadOnlyList<FetchedFile> files)
    {
        if (files.Any(f => f.Name == FileName)) return;
        var list = files.Select(f => (JsonNode)new JsonObject { ["file"] = f.Name, ["size"] = f.Size, ["sha256"] = f.Digests.Sha256 });
        var record = new JsonObject { ["source"] = source, ["revision"] = revision, ["commit"] = commit, ["files"] = new JsonArray([.. list]) };
        File.WriteAllText(Path.Combine(folder, FileName), record.ToJsonString(Indented) + "\n");
    }

    /// <summary>Reads the digests by file name.</summary>
    /// <param name="path">The record.</param>
    /// <returns>The SHA-256 by name; <see langword="null"/> when the file is some other one of that name.</returns>
    /// <exception cref="AlpacaException">It names a file outside its folder.</exception>
    public static IReadOnlyDictionary<string, string>? Read(string path)
    {
        try
        {
            if (JsonNode.Parse(File.ReadAllText(path)) is not JsonObject record || record["commit"] is null || record["files"] is not JsonArray files) return null;
            var digests = new Dictionary<string, string>();
            foreach (var file in files.OfType<JsonObject>())
            {
                if ((string?)file["file"] is { } name && (string?)file["sha256"] is { } sha256) digests[name] = sha256;
            }

            if (digests.Keys.FirstOrDefault(name => !RelativeName.IsSafe(name)) is { } unsafeName)
                throw new AlpacaException($"{path} names '{unsafeName}', which does not stay below its folder; remove the record, or do not trust this folder.");
            return digests;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
