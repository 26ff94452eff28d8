using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>What is known about an artifact: <c>manifest.json</c> in its folder, written last.</summary>
public sealed record ArtifactManifest
{
    /// <summary>The manifest's file name.</summary>
    public const string FileName = "manifest.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The artifact's kind.</summary>
    public required string Kind { get; init; }

    /// <summary>The fingerprint of the request that made it.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The pipeline that made it.</summary>
    public required string Pipeline { get; init; }

    /// <summary>The stage entry in that pipeline.</summary>
    public required string Stage { get; init; }

    /// <summary>The plugin stage.</summary>
    public required string Uses { get; init; }

    /// <summary>The plugin's name.</summary>
    public required string Plugin { get; init; }

    /// <summary>The plugin's version.</summary>
    public required string PluginVersion { get; init; }

    /// <summary>The options apart from inputs, defaults included, by name.</summary>
    public required SortedDictionary<string, JsonNode?> Options { get; init; }

    /// <summary>The inputs, in the order of the options and of their lists.</summary>
    public required IReadOnlyList<ManifestInput> Inputs { get; init; }

    /// <summary>The files, by path.</summary>
    public required IReadOnlyList<ManifestFile> Files { get; init; }

    /// <summary>The artifact's metrics.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>The artifact as the stage returned it.</summary>
    public required JsonObject Artifact { get; init; }

    /// <summary>When the stage started (UTC).</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When the stage ended (UTC).</summary>
    public required DateTimeOffset FinishedAt { get; init; }

    /// <summary>
    /// What stages that take this artifact depend on: SHA-256 over its kind and its files. Times and options are left out, so that a stage that made the same
    /// files again does not make everything after it run again.
    /// </summary>
    [JsonIgnore]
    public string Digest
    {
        get
        {
            var text = new StringBuilder(Kind).Append('\n');
            foreach (var file in Files.OrderBy(f => f.Path, StringComparer.Ordinal)) text.Append(file.Sha256).Append(' ').Append(file.Path).Append('\n');
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
        }
    }

    /// <summary>Bytes of all files.</summary>
    [JsonIgnore]
    public long TotalSize => Files.Sum(f => f.Size);

    /// <summary>Reads the manifest of an artifact's folder.</summary>
    /// <returns>The manifest, or <see langword="null"/> when there is none that can be read.</returns>
    public static ArtifactManifest? TryRead(string folder)
    {
        try
        {
            return JsonSerializer.Deserialize<ArtifactManifest>(File.ReadAllText(Path.Combine(folder, FileName)), Json);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    internal void Write(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json) + "\n");
}

/// <summary>An input of a stage.</summary>
/// <param name="Option">The option that takes it.</param>
/// <param name="Source">The path or URL; a URL without its query, which may hold a signature.</param>
/// <param name="Stage">The earlier stage that made it, or <see langword="null"/> for a file or folder from outside.</param>
/// <param name="Digest">The digest of its content.</param>
public sealed record ManifestInput(string Option, string Source, string? Stage, string Digest);

/// <summary>A file of an artifact.</summary>
/// <param name="Path">Relative to the artifact's folder, with forward slashes.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Sha256">SHA-256 of the content, in small hexadecimal digits.</param>
public sealed record ManifestFile(string Path, long Size, string Sha256);
