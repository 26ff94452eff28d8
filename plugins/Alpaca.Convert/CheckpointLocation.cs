using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>Where an original checkpoint and its tokenizer are.</summary>
/// <param name="Folder">The folder with <c>params.json</c> and the shards.</param>
/// <param name="SizeName">The folder's name if it names a size, such as <c>7B</c>.</param>
/// <param name="TokenizerModel">The <c>tokenizer.model</c> beside it or above it, if there is one.</param>
internal sealed record CheckpointLocation(string Folder, string SizeName, string? TokenizerModel)
{
    /// <summary>Finds the checkpoint that a request means.</summary>
    /// <exception cref="AlpacaException">There is none, or there are several.</exception>
    public static CheckpointLocation Find(string inputDir, string? modelSize)
    {
        if (!Directory.Exists(inputDir))
        {
            throw new AlpacaException($"The input folder {inputDir} does not exist; check the path.");
        }

        var folder = FindFolder(inputDir, modelSize);
        var sizeName = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return new CheckpointLocation(folder, sizeName, FindTokenizer(inputDir, folder));
    }

    private static string FindFolder(string inputDir, string? modelSize)
    {
        if (modelSize is not null)
        {
            var folder = Path.Combine(inputDir, modelSize);
            if (modelSize is "" or "." or ".." || modelSize.AsSpan().ContainsAny('/', '\\'))
            {
                throw new AlpacaException($"The model size '{modelSize}' is not the name of a folder below {inputDir}; name one such as 7B.");
            }

            if (File.Exists(Path.Combine(folder, MetaParameters.FileName)))
            {
                return folder;
            }

            // The size's folder itself may have been given as the input folder.
            if (!Directory.Exists(folder) && IsNamed(inputDir, modelSize) && File.Exists(Path.Combine(inputDir, MetaParameters.FileName)))
            {
                return inputDir;
            }

            var found = SizeFolders(inputDir);
            throw new AlpacaException(Directory.Exists(folder)
                ? $"{folder} has no {MetaParameters.FileName}; download the size {modelSize} again."
                : $"{inputDir} has no folder {modelSize}; {(found.Count == 0 ? "check the path" : $"it has {string.Join(", ", found.Select(Path.GetFileName))}")}.");
        }

        if (File.Exists(Path.Combine(inputDir, MetaParameters.FileName)))
        {
            return inputDir;
        }

        var folders = SizeFolders(inputDir);
        return folders.Count switch
        {
            1 => folders[0],
            0 => throw new AlpacaException($"{inputDir} holds no {MetaParameters.FileName}, nor does a folder in it: it is not a folder of original LLaMA weights; check the path."),
            _ => throw new AlpacaException($"{inputDir} holds several sizes ({string.Join(", ", folders.Select(Path.GetFileName))}); choose one with --model-size."),
        };
    }

    private static bool IsNamed(string folder, string name) =>
        string.Equals(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), name, StringComparison.OrdinalIgnoreCase);

    private static List<string> SizeFolders(string folder) =>
        [.. Directory.EnumerateDirectories(folder).Where(f => File.Exists(Path.Combine(f, MetaParameters.FileName))).Order(StringComparer.Ordinal)];

    // The size's own folder, the input folder, and the folder above a size given directly.
    private static string? FindTokenizer(string inputDir, string folder)
    {
        string?[] places = [folder, inputDir, Path.GetFullPath(folder) == Path.GetFullPath(inputDir) ? Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) : null];
        return places.Where(p => p is not null).Select(p => Path.Combine(p!, TokenizerFiles.Model)).FirstOrDefault(File.Exists);
    }
}
