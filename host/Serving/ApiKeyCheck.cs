using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>Lets only those use the API who have one of the keys. The chat page and the health checks are open: they tell nothing that needs a secret.</summary>
internal sealed class ApiKeyCheck
{
    private const string Scheme = "Bearer ";
    private readonly byte[][] _digests;

    public ApiKeyCheck(IEnumerable<string> keys) => _digests = [.. keys.Select(Digest)];

    /// <summary>The digest of the key in a header <c>Authorization</c>; without one, of nothing, which no key is.</summary>
    public static byte[] DigestOf(string authorization) => Digest(authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? authorization[Scheme.Length..].Trim() : "");

    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (IsClosed(context.Request.Path) && !IsKnown(context.Request.Headers.Authorization.ToString()))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            throw new ApiException(StatusCodes.Status401Unauthorized, "The API key is missing or wrong; send it as Authorization: Bearer KEY.", ApiException.InvalidRequest, code: "invalid_api_key");
        }

        await next(context);
    }

    private static bool IsClosed(PathString path) => path.StartsWithSegments("/v1") || path.StartsWithSegments("/api") || path.StartsWithSegments("/metrics");

    private bool IsKnown(string authorization)
    {
        var given = DigestOf(authorization);
        // All keys are looked at, each in constant time, so that the time tells nothing.
        var isKnown = false;
        foreach (var digest in _digests) isKnown |= CryptographicOperations.FixedTimeEquals(given, digest);
        return isKnown;
    }

    private static byte[] Digest(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
