using System.Globalization;
using System.Text.RegularExpressions;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The shard files of an original checkpoint, <c>consolidated.NN.pth</c>.</summary>
internal static partial class MetaShards
{
    // Their numbers have up to three digits.
    private const int MaxCount = 1000;

    /// <summary>Finds the shards of a folder.</summary>
    /// <returns>Their paths, in order; the numbers have no gap.</returns>
    /// <exception cref="AlpacaException">There are none, one is there twice, or a number is left out.</exception>
    public static IReadOnlyList<string> Find(string folder)
    {
        var byNumber = new SortedDictionary<int, string>();
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            var match = ShardName().Match(Path.GetFileName(file));
            if (match.Success && int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) is var number && !byNumber.TryAdd(number, file))
            {
                throw new AlpacaException($"{folder} holds a shard twice: {Path.GetFileName(file)} and {Path.GetFileName(byNumber[number])}; remove one.");
            }
        }

        var expected = byNumber.Count == 0 ? 1 : byNumber.Keys.Last() + 1;
        var missing = Enumerable.Range(0, expected).Where(i => !byNumber.ContainsKey(i)).ToList();
        return missing.Count == 0 ? [.. byNumber.Values] : throw Missing(folder, missing, expected);
    }

    /// <summary>Holds the number of shards against what a shard says of itself: it has dim / shards rows of the query projection. That finds the last shard missing, which numbering cannot.</summary>
    /// <exception cref="AlpacaException">There are more or fewer.</exception>
    public static void Check(string folder, IReadOnlyList<string> files, ITensorSource first, MetaParameters parameters)
    {
        // Where this fails the shapes themselves are wrong, which is told when they are joined.
        if (first.Find(MetaTensorNames.Layer(0) + "attention.wq.weight") is not { Shape: [> 0 and var rows, _] } || parameters.Dim % rows != 0 || parameters.Dim / rows > MaxCount)
        {
            return;
        }

        var expected = (int)(parameters.Dim / rows);
        if (expected > files.Count)
        {
            throw Missing(folder, [.. Enumerable.Range(files.Count, expected - files.Count)], expected);
        }

        if (expected < files.Count)
        {
            throw new AlpacaException(
                $"{folder} holds {files.Count} shards, but its tensors are split over {expected}; remove what does not belong there ({Listing.Of([.. files.Skip(expected).Select(f => Path.GetFileName(f))])}).");
        }
    }

    private static AlpacaException Missing(string folder, List<int> missing, int expected)
    {
        var (are, them) = missing.Count == 1 ? ("is", "it") : ("are", "them");
        return new AlpacaException(
            $"{Listing.Of([.. missing.Select(MetaTensorNames.ShardFile)])} {are} missing in {folder}, the checkpoint has {expected} {(expected == 1 ? "shard" : "shards")}; download {them} again (stage download).");
    }

    [GeneratedRegex(@"^consolidated\.([0-9]{1,3})\.pth$", RegexOptions.CultureInvariant)]
    private static partial Regex ShardName();
}
