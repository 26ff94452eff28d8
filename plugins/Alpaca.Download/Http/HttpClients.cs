using System.Net;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Alpaca.Download;

/// <summary>Makes clients that try again, wait as long as a server asks, follow redirects, and notice a server that does not answer.</summary>
internal static class HttpClients
{
    /// <summary>Makes a client. A body may take hours; that one stalls is noticed by its reader.</summary>
    /// <param name="settings">How patient it is.</param>
    /// <param name="timeProvider">The clock that waits go by.</param>
    public static HttpClient Create(TransferSettings settings, TimeProvider timeProvider)
    {
        var pipeline = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = timeProvider }
            .AddRetry(Retry(settings, timeProvider))
            .AddTimeout(new HttpTimeoutStrategyOptions { Timeout = settings.StallTimeout })
            .Build();
        var sockets = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(20), AutomaticDecompression = DecompressionMethods.None, AllowAutoRedirect = false, UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        var client = new HttpClient(new ResilienceHandler(pipeline) { InnerHandler = new RedirectHandler(sockets) }) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.ParseAdd($"alpaca/{typeof(HttpClients).Assembly.GetName().Version?.ToString(3)}");
        client.DefaultRequestHeaders.AcceptEncoding.ParseAdd("identity"); // Lengths, ranges and digests are those of the files.
        return client;
    }

    private static HttpRetryStrategyOptions Retry(TransferSettings settings, TimeProvider timeProvider)
    {
        var options = new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = settings.Retries,
            ShouldRetryAfterHeader = false, // Reads dates by the system's clock.
            DelayGenerator = args => ValueTask.FromResult(RetryAfter.Of(args.Outcome.Result, timeProvider) ?? (TimeSpan?)settings.Delay(args.AttemptNumber + 1)),
        };
        var isTransient = options.ShouldHandle;
        options.ShouldHandle = async args => await isTransient(args).ConfigureAwait(false) && !(RetryAfter.Of(args.Outcome.Result, timeProvider) > settings.LongestWait);
        return options;
    }
}
