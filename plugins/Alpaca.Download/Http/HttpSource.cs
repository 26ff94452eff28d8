using System.Net;

namespace Alpaca.Download;

/// <summary>Weights behind HTTP(S): a base address, or Meta's presigned form with one <c>*</c> for the relative file name.</summary>
internal sealed class HttpSource : IWeightSource
{
    private readonly HttpClient _client;
    private readonly HttpFiles _files;
    private readonly string _address;

    /// <param name="address">The base address or the pattern.</param>
    /// <param name="settings">How patient it is.</param>
    /// <param name="timeProvider">The clock.</param>
    public HttpSource(string address, TransferSettings settings, TimeProvider timeProvider)
    {
        _address = address;
        _client = HttpClients.Create(settings, timeProvider);
        _files = new HttpFiles(_client, null, timeProvider);
    }

    public string DisplayName => PublicAddress.Of(_address);

    public Task<SourceStatus?> FindAsync(string name, CancellationToken cancellationToken) => _files.FindAsync(AddressOf(name), name, Explain, cancellationToken);

    public Task<SourceContent?> OpenAsync(string name, long offset, string? version, CancellationToken cancellationToken)
        => _files.OpenAsync(AddressOf(name), name, offset, version, Explain, cancellationToken);

    public void Dispose() => _client.Dispose();

    private Uri AddressOf(string name)
    {
        var escaped = string.Join('/', name.Split('/').Select(Uri.EscapeDataString));
        if (_address.Contains('*', StringComparison.Ordinal)) return new Uri(_address.Replace("*", escaped, StringComparison.Ordinal));

        // A signature of a whole container stands behind the name.
        var query = _address.IndexOf('?', StringComparison.Ordinal) is var at and >= 0 ? _address[at..] : "";
        return new Uri($"{_address[..^query.Length].TrimEnd('/')}/{escaped}{query}");
    }

    private static string Explain(HttpResponseMessage response) => response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
        ? "A presigned address may have expired; ask for a new one and run again, finished parts are kept."
        : "Try again later; finished parts are kept.";
}
