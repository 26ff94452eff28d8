using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>Keeps pages of other sites from using a server without an API key through the browser of somebody who opens them.</summary>
/// <remarks>
/// Such a server listens on loopback only, but a browser on the same machine reaches it for any page: under a name of the page's own that resolves to 127.0.0.1 (DNS rebinding), or by a request whose answer the page
/// may not read but which is carried out. The first shows in the Host header, the second in Origin.
/// </remarks>
internal sealed class LocalRequests(IReadOnlyList<string> allowedOrigins)
{
    /// <summary>The middleware.</summary>
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var host = context.Request.Host;
        if (!ServingSettings.IsLoopback(host.Host)) throw Forbidden($"Without an API key the server answers requests to localhost only, not to '{host.Host}'; set Serving:ApiKeyFile.");
        if (context.Request.Headers.Origin.ToString() is { Length: > 0 } origin && !IsAllowed(origin, host))
            throw Forbidden($"Pages of {origin} may not use this server; add it to Serving:AllowedOrigins.");
        return next(context);
    }

    private static ApiException Forbidden(string message) => new(StatusCodes.Status403Forbidden, message, ApiException.InvalidRequest, code: "forbidden");

    private bool IsAllowed(string origin, HostString host) => origin.Equals($"http://{host.Value}", StringComparison.OrdinalIgnoreCase) || allowedOrigins.Contains("*") || allowedOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase);
}
