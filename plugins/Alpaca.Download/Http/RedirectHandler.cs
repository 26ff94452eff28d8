using System.Net;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Follows redirects. A token goes to the host it was meant for and to no other, and an encrypted way stays encrypted.</summary>
internal sealed class RedirectHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private const int MaxRedirects = 10;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var (address, authorized) = (request.RequestUri!, true);
        var current = request;
        for (var redirects = 0; ; redirects++)
        {
            var response = await base.SendAsync(current, cancellationToken).ConfigureAwait(false);
            if (!IsRedirect(response.StatusCode) || response.Headers.Location is not { } location) return response;

            response.Dispose();
            if (redirects == MaxRedirects)
                throw new AlpacaException($"{PublicAddress.Of(request.RequestUri!)} leads from one address to the next without end; check the source's address.");
            var next = new Uri(address, location);
            if (next.Scheme != Uri.UriSchemeHttps && next.Scheme != address.Scheme)
                throw new AlpacaException($"{PublicAddress.Of(address)} leads to {PublicAddress.Of(next)}, which is not encrypted; check the source's address.");
            authorized &= PublicAddress.SameOrigin(address, next);
            address = next;
            current = Follow(request, address, authorized);
        }
    }

    private static bool IsRedirect(HttpStatusCode status) => status is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
        or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private static HttpRequestMessage Follow(HttpRequestMessage request, Uri address, bool authorized)
    {
        var next = new HttpRequestMessage(request.Method, address) { Version = request.Version, VersionPolicy = request.VersionPolicy };
        foreach (var (name, values) in request.Headers)
        {
            if (authorized || !name.Equals("Authorization", StringComparison.OrdinalIgnoreCase)) next.Headers.TryAddWithoutValidation(name, values);
        }

        return next;
    }
}
