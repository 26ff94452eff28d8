using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>Where a model and its tokenizer are.</summary>
/// <param name="Folder">The folder with <c>params.json</c> and the shards, or with <c>config.json</c> and the weights.</param>
/// <param name="IsHuggingFace">Whether it is a Hugging Face folder.</param>
/// <param name="TokenizerModel">The <c>tokenizer.model</c> beside it, above it or in the folder of originals that goes with it, if there is one.</param>
internal sealed record CheckpointLocation(string Folder, bool IsHuggingFace, string? TokenizerModel)
{
    /// <summary>Where a Hugging Face folder keeps files of the original release.</summary>
    public const string OriginalFolder = "original";

    /// <summary>The folder's own name.</summary>
    public string Name => NameOf(Folder);

    /// <summary>Finds the model that a request means.</summary>
    /// <exception cref="AlpacaException">There is none, or there are several.</exception>
    public static CheckpointLocation Find(string inputDir, string? modelSize)
    {
        if (!Directory.Exists(inputDir))
        {
            throw new AlpacaException($"The input folder {inputDir} does not exist; check the path.");
        }

        var folder = FindFolder(inputDir, modelSize);
        return new CheckpointLocation(folder, !HoldsOriginal(folder), FindTokenizer(inputDir, folder));
    }

    private static string FindFolder(string inputDir, string? modelSize)
    {
        if (modelSize is not null)
        {
            return FindSize(inputDir, modelSize);
        }

        if (HoldsModel(inputDir))
        {
            return inputDir;
        }

        var folders = SizeFolders(inputDir);
        return folders.Count switch
        {
            1 => folders[0],
            0 => throw new AlpacaException(
                $"{inputDir} holds no {MetaParameters.FileName}, nor does a folder in it: it is not a folder of original LLaMA weights, and without {LlamaConfig.FileName} no Hugging Face folder either; check the path."),
            _ => throw new AlpacaException($"{inputDir} holds several sizes ({string.Join(", ", folders.Select(Path.GetFileName))}); choose one with --model-size."),
        };
    }

    private static string FindSize(string inputDir, string modelSize)
    {
        var folder = Path.Combine(inputDir, modelSize);
        if (modelSize is "" or "." or ".." || modelSize.AsSpan().ContainsAny('/', '\\'))
        {
            throw new AlpacaException($"The model size '{modelSize}' is not the name of a folder below {inputDir}; name one such as 7B.");
        }

        if (HoldsModel(folder))
        {
            return folder;
        }

        // The model's folder itself may have been given as the input folder; a size of Meta's is held against its shapes later.
        var isNamed = MetaSizes.Find(modelSize) is not null || NameOf(inputDir).Equals(modelSize, StringComparison.OrdinalIgnoreCase);
        if (!Directory.Exists(folder) && isNamed && HoldsModel(inputDir))
        {
            return inputDir;
        }

        var found = SizeFolders(inputDir);
        throw new AlpacaException(Directory.Exists(folder)
            ? $"{folder} has no {MetaParameters.FileName}; download the size {modelSize} again."
            : $"{inputDir} has no folder {modelSize}; {(found.Count == 0 ? "check the path" : $"it has {string.Join(", ", found.Select(Path.GetFileName))}")}.");
    }

    private static bool HoldsOriginal(string folder) => File.Exists(Path.Combine(folder, MetaParameters.FileName));

    private static bool HoldsModel(string folder) => HoldsOriginal(folder) || File.Exists(Path.Combine(folder, LlamaConfig.FileName));

    private static string NameOf(string folder) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    private static List<string> SizeFolders(string folder) => [.. Directory.EnumerateDirectories(folder).Where(HoldsOriginal).Order(StringComparer.Ordinal)];

    // The model's own folder, the input folder, the folder above a size given directly, and a Hugging Face folder's originals.
    private static string? FindTokenizer(string inputDir, string folder)
    {
        var isInput = Path.GetFullPath(folder) == Path.GetFullPath(inputDir);
        string?[] places =
        [
            folder,
            inputDir,
            isInput && HoldsOriginal(folder) ? Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) : null,
            Path.Combine(folder, OriginalFolder),
        ];
        return places.OfType<string>().Select(p => Path.Combine(p, TokenizerFiles.Model)).FirstOrDefault(File.Exists);
    }
}
