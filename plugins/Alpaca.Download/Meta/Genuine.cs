using Microsoft.Extensions.Logging;

namespace Alpaca.Download;

/// <summary>Says which files are LLaMA's originals, which a checklist alone does not tell.</summary>
internal static class Genuine
{
    /// <summary>Counts the files that have the published SHA-256, and logs for each known size whether it is LLaMA's.</summary>
    public static int Count(IReadOnlyList<FetchedFile> files, IReadOnlyList<string> sizes, KnownDigests known, ILogger logger)
    {
        foreach (var size in sizes.Where(known.HasSize))
        {
            var others = known.FilesOf(size).Where(file => files.FirstOrDefault(f => f.Name == $"{size}/{file}") is not { } there || !IsGenuine(there, known)).ToList();
            if (others.Count == 0) logger.GenuineSize(size);
            else logger.OtherModel(size, string.Join(", ", others));
        }

        return files.Count(file => IsGenuine(file, known));
    }

    private static bool IsGenuine(FetchedFile file, KnownDigests known) => known.Find(file.Name) is { } sha256 && sha256 == file.Digests.Sha256;
}
