namespace Alpaca.Download;

/// <summary>What a request's source is.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Location">The folder's path, the address or pattern, or the repository's <c>owner/name</c>.</param>
/// <param name="DisplayName">As it may be shown: without secrets.</param>
internal sealed record SourceAddress(SourceKind Kind, string Location, string DisplayName)
{
    private const string HubScheme = "hf:";

    /// <summary>Reads a source; adds to <paramref name="problems"/> why it is none, one sentence.</summary>
    public static SourceAddress? Parse(string source, List<string> problems)
    {
        if (source.Length == 0)
        {
            problems.Add("Source is missing: a folder, a file:// or http(s):// address, or hf:owner/name.");
            return null;
        }

        if (source.StartsWith(HubScheme, StringComparison.OrdinalIgnoreCase)) return ParseHub(source[HubScheme.Length..].TrimStart('/'), problems);
        if (!Uri.TryCreate(source, UriKind.Absolute, out var address) || (!source.Contains("://", StringComparison.Ordinal) && address.IsFile))
            return new SourceAddress(SourceKind.Folder, source, source);
        if (address.IsFile) return new SourceAddress(SourceKind.Folder, address.LocalPath, source);
        if (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps) return new SourceAddress(SourceKind.Http, source, PublicAddress.Of(source));

        problems.Add($"Source is {PublicAddress.Of(source)}, but only folders, file://, http:// and https:// addresses and hf:owner/name can be fetched.");
        return null;
    }

    private static SourceAddress? ParseHub(string name, List<string> problems)
    {
        if (HubRepository.IsName(name)) return new SourceAddress(SourceKind.Hub, name, $"hf:{name}");
        problems.Add($"Source is hf:{name}, which is no name of a repository; write hf:owner/name.");
        return null;
    }
}

/// <summary>The kinds of source.</summary>
internal enum SourceKind
{
    /// <summary>A folder of this machine, in Meta's layout.</summary>
    Folder,

    /// <summary>HTTP(S), in Meta's layout.</summary>
    Http,

    /// <summary>A repository of a Hugging Face hub.</summary>
    Hub,
}
