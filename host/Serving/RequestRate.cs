using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>Turns away clients that send more requests than they may: a bucket of tokens for each, filled evenly over the minute.</summary>
internal sealed class RequestRate : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private readonly PartitionedRateLimiter<HttpContext> _limiter;

    private readonly bool _hasKeys;

    /// <param name="perMinute">How many requests a client may send a minute, 1 or more.</param>
    /// <param name="hasKeys">Whether clients have keys that were checked; one that nobody asked for says nothing of who sends it.</param>
    public RequestRate(int perMinute, bool hasKeys)
    {
        _hasKeys = hasKeys;

        // Whole tokens are added: for less than one a second, one at a time and rarer.
        var (tokens, period) = perMinute >= 60 ? ((perMinute + 30) / 60, Period) : (1, TimeSpan.FromMinutes(1) / perMinute);
        _limiter = PartitionedRateLimiter.Create<HttpContext, string>(context => RateLimitPartition.GetTokenBucketLimiter(
            ClientOf(context), _ => new TokenBucketRateLimiterOptions { TokenLimit = perMinute, TokensPerPeriod = tokens, ReplenishmentPeriod = period, QueueLimit = 0 }));
    }

    /// <summary>Answers a request, unless its client has to wait. Probes and the page are not counted.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.Path.StartsWithSegments("/v1") && !context.Request.Path.StartsWithSegments("/api"))
        {
            await next(context);
            return;
        }

        using var lease = _limiter.AttemptAcquire(context);
        if (!lease.IsAcquired)
        {
            var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var time) ? Math.Max(1, (int)Math.Ceiling(time.TotalSeconds)) : 1;
            throw new ApiException(
                StatusCodes.Status429TooManyRequests, $"You have sent more requests than the server takes from one client; try again in {wait} s.", "requests", code: "rate_limit_exceeded", retryAfterSeconds: wait);
        }

        await next(context);
    }

    public void Dispose() => _limiter.Dispose();

    /// <summary>Clients with a key are one wherever they call from. Only the key's digest is kept.</summary>
    private string ClientOf(HttpContext context)
        => _hasKeys ? Convert.ToHexString(ApiKeyCheck.DigestOf(context.Request.Headers.Authorization.ToString())) : context.Connection.RemoteIpAddress?.ToString() ?? "";
}
