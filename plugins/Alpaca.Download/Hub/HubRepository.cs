using System.Text.Json;
using System.Text.RegularExpressions;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>A model repository of a Hugging Face hub, at the commit that a revision stands for when it is first asked.</summary>
internal sealed partial class HubRepository : IWeightSource
{
    private const int MaxPages = 1000;
    private const string ListingName = "the listing";
    private readonly HubAccess _access;
    private readonly string _name;
    private readonly string _revision;
    private readonly TransferSettings _settings;
    private readonly TimeProvider _timeProvider;
    private readonly HttpClient _client;
    private readonly HttpFiles _files;
    private HubListing? _listing;

    /// <param name="access">The hub.</param>
    /// <param name="name"><c>owner/name</c>.</param>
    /// <param name="revision">A branch, a tag or a commit.</param>
    /// <param name="settings">How patient it is.</param>
    /// <param name="timeProvider">The clock.</param>
    public HubRepository(HubAccess access, string name, string revision, TransferSettings settings, TimeProvider timeProvider)
    {
        (_access, _name, _revision, _settings, _timeProvider) = (access, name, revision, settings, timeProvider);
        _client = HttpClients.Create(settings, timeProvider);
        _files = new HttpFiles(_client, access.Authorize, timeProvider);
    }

    public string DisplayName => $"hf:{_name}";

    /// <summary>Whether a text can be the name of a repository.</summary>
    public static bool IsName(string name) => NamePattern().IsMatch(name) && !name.Contains("..", StringComparison.Ordinal);

    /// <summary>Finds the commit and lists its files. Everything after is taken from that commit, however the branch moves.</summary>
    /// <exception cref="AlpacaException">The hub refuses or gives something that is no listing.</exception>
    public async Task<HubListing> ListAsync(CancellationToken cancellationToken)
    {
        var (info, _) = await GetAsync(Address($"api/models/{_name}/revision/{Uri.EscapeDataString(_revision)}"), cancellationToken).ConfigureAwait(false);
        using (info)
        {
            var commit = Text(info.RootElement, "sha");
            if (commit is null || !CommitPattern().IsMatch(commit)) throw NoListing("it names no commit");
            _listing = new HubListing(commit, await ListFilesAsync(commit, cancellationToken).ConfigureAwait(false));
        }

        return _listing;
    }

    public Task<SourceStatus?> FindAsync(string name, CancellationToken cancellationToken)
        => Task.FromResult(_listing?.Find(name) is { } file ? new SourceStatus(file.Size, null) : null);

    public Task<SourceContent?> OpenAsync(string name, long offset, string? version, CancellationToken cancellationToken)
    {
        var path = string.Join('/', name.Split('/').Select(Uri.EscapeDataString));
        return _files.OpenAsync(Address($"{_name}/resolve/{_listing!.Commit}/{path}"), name, offset, version, Explain, cancellationToken);
    }

    public void Dispose() => _client.Dispose();

    private async Task<IReadOnlyList<SourceFile>> ListFilesAsync(string commit, CancellationToken cancellationToken)
    {
        var files = new Dictionary<string, SourceFile>(StringComparer.OrdinalIgnoreCase);
        var page = Address($"api/models/{_name}/tree/{commit}?recursive=true");
        for (var pages = 0; page is not null; pages++)
        {
            if (pages == MaxPages) throw NoListing("it has no end");
            (var entries, page) = await GetAsync(page, cancellationToken).ConfigureAwait(false);
            using (entries)
            {
                if (entries.RootElement.ValueKind != JsonValueKind.Array) throw NoListing("it is no list");
                foreach (var entry in entries.RootElement.EnumerateArray())
                {
                    if (Text(entry, "type") != "file") continue;
                    var file = ReadFile(entry);
                    if (!files.TryAdd(file.Name, file)) throw NoListing($"it has {file.Name} twice, with different capitals or the same");
                }
            }
        }

        return [.. files.Values];
    }

    private SourceFile ReadFile(JsonElement entry)
    {
        var name = Text(entry, "path") ?? throw NoListing("a file has no name");
        if (!RelativeName.IsSafe(name)) throw NoListing($"it names '{name}', which does not stay below a folder; do not trust this source");
        var size = entry.TryGetProperty("size", out var number) && number.TryGetInt64(out var bytes) && bytes >= 0 ? bytes : throw NoListing($"{name} has no size");
        var large = entry.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object;
        var digest = (large ? Text(lfs, "oid") : Text(entry, "oid"))?.ToLowerInvariant();
        if (digest is null || digest.Length != (large ? 64 : 40) || !digest.All(char.IsAsciiHexDigit)) throw NoListing($"{name} has no digest");
        if (large && lfs.TryGetProperty("size", out number) && number.TryGetInt64(out bytes)) size = bytes;
        var expected = new Expectation(
            large ? new Digests(Sha256: digest) : new Digests(GitSha1: digest),
            "the repository's listing",
            "the file arrived damaged; run again to fetch it anew");
        return new SourceFile(name, expected, size);
    }

    /// <summary>Gets a JSON document and, where the answer has several pages, the address of the next one.</summary>
    private async Task<(JsonDocument Document, Uri? Next)> GetAsync(Uri address, CancellationToken cancellationToken)
    {
        for (var failures = 0; ;)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            using var response = await _files.SendAsync(request, $"{ListingName} of {DisplayName}", cancellationToken).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode) throw _files.Refused(response, address, $"{ListingName} of {DisplayName}", Explain);
            using var patience = new CancellationTokenSource(_settings.StallTimeout, _timeProvider);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
                return (await JsonDocument.ParseAsync(body, cancellationToken: either.Token).ConfigureAwait(false), NextPage(response));
            }
            catch (Exception e) when (e is IOException or JsonException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                if (++failures > _settings.Retries) throw NoListing($"it could not be read completely ({e.Message})");
                await Task.Delay(_settings.Delay(failures), _timeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The next page is asked of the same hub, whatever host the header names.</summary>
    private Uri? NextPage(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out var links)) return null;
        var next = links.Select(link => NextPattern().Match(link)).FirstOrDefault(match => match.Success);
        if (next is null) return null;
        var address = new Uri(response.RequestMessage!.RequestUri!, next.Groups["address"].Value);
        return new Uri(_access.Endpoint, address.PathAndQuery);
    }

    private string Explain(HttpResponseMessage response) => HubRefusal.Explain(response, _access, _name, _revision);

    private Uri Address(string path) => new(_access.Endpoint, path);

    private AlpacaException NoListing(string problem)
        => new($"The listing of {DisplayName} at {PublicAddress.Of(_access.Endpoint)} cannot be used: {problem}; check HF_ENDPOINT and the name, or try again later.");

    private static string? Text(JsonElement element, string property)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[0-9a-f]{40}$")]
    private static partial Regex CommitPattern();

    [GeneratedRegex("<(?<address>[^>]+)>\\s*;[^,]*rel=\"?next\"?")]
    private static partial Regex NextPattern();
}
