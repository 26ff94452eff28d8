using System.Security.Cryptography;

namespace Alpaca.IntegrationTests;

/// <summary>The shipped sample's files, and copies of them to spoil.</summary>
internal static class Sample
{
    public static string Weights => Path.Combine(Golden.RepositoryRoot, "samples", "llama-tiny");

    public static string ChineseModel => Path.Combine(Golden.RepositoryRoot, "samples", "chinese_sp.model");

    public static string Validation => Path.Combine(Golden.RepositoryRoot, "samples", "instructions", "validation.json");

    public static string CopyWeightsTo(string folder)
    {
        foreach (var file in Directory.GetFiles(Weights, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(folder, Path.GetRelativePath(Weights, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return folder;
    }

    /// <summary>Every file below a folder with its digest: what must not change when a command fails.</summary>
    public static IReadOnlyDictionary<string, string> Snapshot(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(f => Path.GetRelativePath(folder, f), f => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f))));
}
