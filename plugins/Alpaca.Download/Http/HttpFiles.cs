using System.Net;
using System.Net.Http.Headers;
using Alpaca.Abstractions;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Alpaca.Download;

/// <summary>Weights behind HTTP(S): a base address, or Meta's presigned form with one <c>*</c> for the relative file name.</summary>
internal sealed class HttpSource : IWeightSource
{
    private readonly HttpClient _client;
    private readonly string _address;

    /// <param name="address">The base address or the pattern.</param>
    /// <param name="timeProvider">The clock that the waits between tries go by.</param>
    public HttpSource(string address, TimeProvider timeProvider)
    {
        _address = address;
        var retry = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = timeProvider }
            .AddRetry(new HttpRetryStrategyOptions { MaxRetryAttempts = 4, Delay = TimeSpan.FromSeconds(1), BackoffType = DelayBackoffType.Exponential, UseJitter = true })
            .Build();
        var handler = new ResilienceHandler(retry)
        {
            InnerHandler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(20), AutomaticDecompression = DecompressionMethods.None },
        };

        // The body may take hours; a stalled one is noticed by the reader.
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public async Task<SourceContent?> OpenAsync(string name, long offset, string? version, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, AddressOf(name));
        if (offset > 0 && version is not null)
        {
            // If-Range makes the server send the whole file when it changed since the part was fetched.
            request.Headers.Range = new RangeHeaderValue(offset, null);
            request.Headers.IfRange = new RangeConditionHeaderValue(EntityTagHeaderValue.Parse(version));
        }

        HttpResponseMessage response;
        try
        {
            response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new AlpacaException($"{name} could not be fetched from {WithoutQuery(request.RequestUri!)}: {e.Message} Check the source's address and the network, then run again; finished parts are kept.", e);
        }

        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone)
        {
            response.Dispose();
            return null;
        }

        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && offset > 0)
        {
            response.Dispose();
            return await OpenAsync(name, 0, null, cancellationToken).ConfigureAwait(false);
        }

        if (!response.IsSuccessStatusCode)
        {
            var status = (int)response.StatusCode;
            response.Dispose();
            var hint = status is 401 or 403 ? "A presigned address may have expired; ask for a new one." : "Try again later; finished parts are kept.";
            throw new AlpacaException($"{name} could not be fetched from {WithoutQuery(request.RequestUri!)}: the server answered {status}. {hint}");
        }

        var begins = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange?.From ?? 0 : 0;
        if (begins != 0 && begins != offset)
        {
            response.Dispose();
            return await OpenAsync(name, 0, null, cancellationToken).ConfigureAwait(false);
        }

        var length = response.Content.Headers.ContentRange?.Length ?? (begins == 0 ? response.Content.Headers.ContentLength : null);
        var tag = response.Headers.ETag is { IsWeak: false } strong ? strong.ToString() : null;
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return new SourceContent(stream, begins, length, tag);
    }

    public void Dispose() => _client.Dispose();

    private Uri AddressOf(string name) => _address.Contains('*', StringComparison.Ordinal)
        ? new Uri(_address.Replace("*", name, StringComparison.Ordinal))
        : new Uri($"{_address.TrimEnd('/')}/{name}");

    /// <summary>Presigned addresses carry their secret in the query.</summary>
    private static string WithoutQuery(Uri address) => address.GetLeftPart(UriPartial.Path);
}
