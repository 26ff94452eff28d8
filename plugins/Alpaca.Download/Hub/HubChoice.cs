using System.IO.Enumeration;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Chooses which files of a repository are fetched.</summary>
internal static class HubChoice
{
    private static readonly string[] AlwaysUseful =
    [
        "config.json", "generation_config.json", "adapter_config.json", "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template*",
    ];

    private static readonly string[] TrainingState = ["training_args.bin", "optimizer.bin", "scheduler.bin"];

    /// <summary>The files that match the patterns a user gave.</summary>
    /// <exception cref="AlpacaException">A pattern matches nothing.</exception>
    public static IReadOnlyList<SourceFile> Included(HubListing listing, IReadOnlyList<string> patterns, string source)
    {
        var useless = patterns.Where(pattern => !listing.Files.Any(f => Matches(pattern, f.Name))).ToList();
        if (useless.Count > 0)
        {
            var some = string.Join(", ", listing.Files.Select(f => f.Name).Take(12));
            throw new AlpacaException($"{source} has no file that fits '{string.Join("', '", useless)}' of --include; it has {some}{(listing.Files.Count > 12 ? ", …" : "")}.");
        }

        return [.. listing.Files.Where(f => patterns.Any(p => Matches(p, f.Name)))];
    }

    /// <summary>Configuration and tokenizer files.</summary>
    public static IEnumerable<SourceFile> Companions(HubListing listing) => TopLevel(listing).Where(f => AlwaysUseful.Any(p => Matches(p, f.Name)));

    /// <summary>The index of the weights, where they are in several files; safetensors come before <c>.bin</c>.</summary>
    public static SourceFile? Index(HubListing listing) => listing.Find(HasSafetensors(listing) ? "model.safetensors.index.json" : "pytorch_model.bin.index.json");

    /// <summary>The weights: those the index names, or the one file, or all there are; an adapter's besides.</summary>
    /// <param name="listing">The repository.</param>
    /// <param name="indexed">The files that the index names, where there is one.</param>
    /// <param name="source">The repository's name for messages.</param>
    /// <exception cref="AlpacaException">A file that the index names is not there, or there are no weights at all.</exception>
    public static IReadOnlyList<SourceFile> Weights(HubListing listing, IReadOnlyCollection<string>? indexed, string source)
    {
        var safe = HasSafetensors(listing);
        var all = TopLevel(listing).Where(f => safe ? IsSafetensors(f) : f.Name.EndsWith(".bin", StringComparison.Ordinal) && !TrainingState.Contains(f.Name)).ToList();
        var adapters = all.Where(f => f.Name.StartsWith("adapter_model.", StringComparison.Ordinal));
        if (indexed is not null)
        {
            var lacking = indexed.Where(name => listing.Find(name) is null).ToList();
            if (lacking.Count > 0) throw new AlpacaException($"{source} has no {string.Join(", ", lacking)}, although its index names {(lacking.Count == 1 ? "it" : "them")}; choose another --revision.");
            return [.. indexed.Select(name => listing.Find(name)!), .. adapters];
        }

        if (all.Count == 0)
            throw new AlpacaException($"{source} has neither *.safetensors nor *.bin in its top folder; name what you want with --include, for example --include 'original/*'.");
        return all.Find(f => f.Name is "model.safetensors" or "pytorch_model.bin") is { } single ? [single, .. adapters] : all;
    }

    // As huggingface_hub's fnmatch: '*' stands for '/' too.
    private static bool Matches(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);

    private static bool HasSafetensors(HubListing listing) => TopLevel(listing).Any(IsSafetensors);

    private static bool IsSafetensors(SourceFile file) => file.Name.EndsWith(".safetensors", StringComparison.Ordinal);

    private static IEnumerable<SourceFile> TopLevel(HubListing listing) => listing.Files.Where(f => !f.Name.Contains('/', StringComparison.Ordinal));
}
