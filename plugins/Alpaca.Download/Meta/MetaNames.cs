using Alpaca.Formats;

namespace Alpaca.Download;

/// <summary>The names of files in Meta's layout.</summary>
internal static class MetaNames
{
    public const string TokenizerModel = "tokenizer.model";
    public const string TokenizerChecklist = "tokenizer_checklist.chk";
    public const string Checklist = "checklist.chk";
    public const string Parameters = "params.json";

    /// <summary>The files that a size has at least: all of one of Meta's sizes, <c>params.json</c> of any other.</summary>
    public static IEnumerable<string> FilesOf(string size) => MetaSizes.TryGetShardCount(size, out var shards)
        ? Enumerable.Range(0, shards).Select(shard => $"consolidated.{shard:00}.pth").Prepend(Parameters)
        : [Parameters];
}
