using System.Globalization;
using System.Text.RegularExpressions;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>Where an original checkpoint and its tokenizer are.</summary>
/// <param name="Folder">The folder with <c>params.json</c> and the shards.</param>
/// <param name="SizeName">The folder's name if it names a size, such as <c>7B</c>.</param>
/// <param name="Shards">The shard files, in order.</param>
/// <param name="TokenizerModel">The <c>tokenizer.model</c> beside it or above it, if there is one.</param>
internal sealed partial record CheckpointLocation(string Folder, string SizeName, IReadOnlyList<string> Shards, string? TokenizerModel)
{
    /// <summary>Finds the checkpoint that a request means.</summary>
    /// <exception cref="AlpacaException">There is none, there are several, or a shard is missing.</exception>
    public static CheckpointLocation Find(string inputDir, string? modelSize)
    {
        if (!Directory.Exists(inputDir))
        {
            throw new AlpacaException($"The input folder {inputDir} does not exist; check the path.");
        }

        var folder = FindFolder(inputDir, modelSize);
        var sizeName = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return new CheckpointLocation(folder, sizeName, FindShards(folder, sizeName), FindTokenizer(inputDir, folder));
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

    private static List<string> FindShards(string folder, string sizeName)
    {
        var byNumber = new SortedDictionary<int, string>();
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            var match = ShardName().Match(Path.GetFileName(file));
            if (match.Success && !byNumber.TryAdd(int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), file))
            {
                throw new AlpacaException($"{folder} holds a shard twice: {Path.GetFileName(file)} and {Path.GetFileName(byNumber[int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)])}; remove one.");
            }
        }

        var expected = MetaSizes.TryGetShardCount(sizeName, out var known) ? known : Math.Max(1, byNumber.Count == 0 ? 0 : byNumber.Keys.Last() + 1);
        var missing = Enumerable.Range(0, expected).Where(i => !byNumber.ContainsKey(i)).Select(MetaTensorNames.ShardFile).ToList();
        if (missing.Count > 0)
        {
            throw MissingShards(folder, missing, expected);
        }

        return byNumber.Count == expected
            ? [.. byNumber.Values]
            : throw new AlpacaException(
                $"{folder} holds {byNumber.Count} shards, but {sizeName} has {expected}; remove what does not belong there ({string.Join(", ", byNumber.Where(p => p.Key >= expected).Select(p => Path.GetFileName(p.Value)))}), or rename the folder if it holds another model.");
    }

    /// <summary>The error for shards that are not there.</summary>
    public static AlpacaException MissingShards(string folder, IReadOnlyCollection<string> missing, int expected) => new(
        $"{string.Join(", ", missing)} {(missing.Count == 1 ? "is" : "are")} missing in {folder}, the checkpoint has {expected} {(expected == 1 ? "shard" : "shards")}; download {(missing.Count == 1 ? "it" : "them")} again (stage download).");

    // The size's own folder, the input folder, and the folder above a size given directly.
    private static string? FindTokenizer(string inputDir, string folder)
    {
        string?[] places = [folder, inputDir, Path.GetFullPath(folder) == Path.GetFullPath(inputDir) ? Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) : null];
        return places.Where(p => p is not null).Select(p => Path.Combine(p!, TokenizerFiles.Model)).FirstOrDefault(File.Exists);
    }

    [GeneratedRegex(@"^consolidated\.([0-9]{1,3})\.pth$", RegexOptions.CultureInvariant)]
    private static partial Regex ShardName();
}
