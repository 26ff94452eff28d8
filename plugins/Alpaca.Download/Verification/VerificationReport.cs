using System.Text.Json;
using System.Text.Json.Nodes;

namespace Alpaca.Download;

/// <summary>What came of verifying a file.</summary>
/// <param name="Name">Its name below the folder.</param>
/// <param name="Size">Its length.</param>
/// <param name="Digests">Its digests.</param>
/// <param name="Verdict">What they mean.</param>
/// <param name="Problem">What is the matter, as a clause; <see langword="null"/> when nothing is.</param>
internal sealed record VerifiedFile(string Name, long Size, Digests Digests, Verdict Verdict, string? Problem);

/// <summary>What a file's digests mean.</summary>
internal enum Verdict
{
    /// <summary>Nothing says what it must be.</summary>
    Unverified,

    /// <summary>It is what a list of its folder says.</summary>
    Verified,

    /// <summary>It is LLaMA's original by its published SHA-256.</summary>
    Genuine,

    /// <summary>It is something else.</summary>
    Mismatch,

    /// <summary>It is not there.</summary>
    Missing,
}

/// <summary><c>verification.json</c>, the output of a verification.</summary>
internal static class VerificationReport
{
    /// <summary>The file's name.</summary>
    public const string FileName = "verification.json";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes the report.</summary>
    public static void Write(string outputFolder, string source, IEnumerable<VerifiedFile> files)
    {
        var list = files.Select(f => (JsonNode)new JsonObject
        {
            ["file"] = f.Name, ["size"] = f.Size, ["md5"] = f.Digests.Md5, ["sha256"] = f.Digests.Sha256, ["verdict"] = f.Verdict.ToString().ToLowerInvariant(),
        });
        var report = new JsonObject { ["source"] = source, ["files"] = new JsonArray([.. list]) };
        File.WriteAllText(Path.Combine(outputFolder, FileName), report.ToJsonString(Indented) + "\n");
    }
}
