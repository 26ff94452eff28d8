using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Which hub, and the token for it. The token is for its requests only: it is in no message, no log and no file.</summary>
internal sealed class HubAccess
{
    private const string DefaultEndpoint = "https://huggingface.co";
    private readonly string? _token;

    private HubAccess(Uri endpoint, string? token) => (Endpoint, _token) = (endpoint, token);

    /// <summary>The hub's address, with a <c>/</c> at the end.</summary>
    public Uri Endpoint { get; }

    /// <summary>Whether there is a token.</summary>
    public bool HasToken => _token is not null;

    /// <summary>Reads <c>HF_ENDPOINT</c>, and <c>HF_TOKEN</c>, <c>HUGGING_FACE_HUB_TOKEN</c> or the file that <c>HF_TOKEN_PATH</c> names.</summary>
    /// <exception cref="AlpacaException">One of them cannot be used.</exception>
    public static HubAccess FromEnvironment(Func<string, string?> variable)
    {
        var text = Given(variable("HF_ENDPOINT")) ?? DefaultEndpoint;
        if (!Uri.TryCreate($"{text.TrimEnd('/')}/", UriKind.Absolute, out var endpoint) || (endpoint.Scheme != Uri.UriSchemeHttps && endpoint.Scheme != Uri.UriSchemeHttp))
            throw new AlpacaUsageException($"HF_ENDPOINT is {PublicAddress.Of(text)}, which is no http:// or https:// address; correct or unset it.");

        var token = Given(variable("HF_TOKEN")) ?? Given(variable("HUGGING_FACE_HUB_TOKEN")) ?? FromFile(Given(variable("HF_TOKEN_PATH")));
        if (token is not null && token.Any(c => c is <= ' ' or > '~')) throw new AlpacaUsageException("The hub token has characters that no token has; check HF_TOKEN.");
        if (token is not null && endpoint.Scheme != Uri.UriSchemeHttps && !endpoint.IsLoopback)
            throw new AlpacaUsageException($"HF_ENDPOINT is {PublicAddress.Of(endpoint)}, so the hub token would travel unencrypted; use an https:// address or unset HF_TOKEN.");
        return new HubAccess(endpoint, token);
    }

    /// <summary>Adds the token to a request to the hub; one to any other host gets none.</summary>
    public void Authorize(HttpRequestMessage request)
    {
        if (_token is not null && PublicAddress.SameOrigin(request.RequestUri!, Endpoint)) request.Headers.Authorization = new("Bearer", _token);
    }

    private static string? FromFile(string? path)
    {
        try
        {
            return path is null ? null : Given(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaUsageException($"HF_TOKEN_PATH names {path}, which cannot be read; correct or unset it.", e);
        }
    }

    private static string? Given(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
