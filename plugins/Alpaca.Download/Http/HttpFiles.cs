using System.Net;
using System.Net.Http.Headers;
using Alpaca.Abstractions;
using Polly.Timeout;

namespace Alpaca.Download;

/// <summary>Reads files over HTTP: their sizes, and their content from any offset on.</summary>
/// <param name="client">Sends the requests; disposed of by its owner.</param>
/// <param name="authorize">Adds to a request what its address asks for.</param>
/// <param name="timeProvider">The clock.</param>
internal sealed class HttpFiles(HttpClient client, Action<HttpRequestMessage>? authorize, TimeProvider timeProvider)
{
    /// <summary>Says what a refusal means and what to do: a sentence or more, for the end of a message.</summary>
    public delegate string Explain(HttpResponseMessage response);

    /// <summary>Asks about a file: with HEAD, or with a range of one byte where a server (or a signature) takes no HEAD.</summary>
    /// <returns><see langword="null"/> when there is no such file.</returns>
    public async Task<SourceStatus?> FindAsync(Uri address, string name, Explain explain, CancellationToken cancellationToken)
    {
        using (var head = await SendAsync(new HttpRequestMessage(HttpMethod.Head, address), name, cancellationToken).ConfigureAwait(false))
        {
            if (IsMissing(head)) return null;
            if (head.IsSuccessStatusCode) return new SourceStatus(head.Content.Headers.ContentLength, StrongTag(head));
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Range = new RangeHeaderValue(0, 0) } };
        using var response = await SendAsync(request, name, cancellationToken).ConfigureAwait(false);
        if (IsMissing(response)) return null;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return new SourceStatus(response.Content.Headers.ContentRange?.Length, null);
        if (!response.IsSuccessStatusCode) throw Refused(response, address, name, explain);
        var size = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange?.Length : response.Content.Headers.ContentLength;
        return new SourceStatus(size, StrongTag(response));
    }

    /// <summary>Opens a file from an offset on, or from its beginning where that is not to be had.</summary>
    /// <returns><see langword="null"/> when there is no such file.</returns>
    public async Task<SourceContent?> OpenAsync(Uri address, string name, long offset, string? version, Explain explain, CancellationToken cancellationToken)
    {
        if (version is null || !EntityTagHeaderValue.TryParse(version, out var tag) || tag.IsWeak) (offset, tag) = (0, null);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (offset > 0)
        {
            // If-Range makes the server send the whole file when it changed since the part was fetched.
            request.Headers.Range = new RangeHeaderValue(offset, null);
            request.Headers.IfRange = new RangeConditionHeaderValue(tag!);
        }

        var response = await SendAsync(request, name, cancellationToken).ConfigureAwait(false);
        try
        {
            if (IsMissing(response)) return Nothing(response);
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && offset > 0)
            {
                var total = response.Content.Headers.ContentRange?.Length;
                response.Dispose();
                return total == offset ? new SourceContent(Stream.Null, offset, offset, version) : await OpenAsync(address, name, 0, null, explain, cancellationToken).ConfigureAwait(false);
            }

            if (!response.IsSuccessStatusCode) throw Refused(response, address, name, explain);
            if (response.StatusCode != HttpStatusCode.PartialContent)
                return new SourceContent(await BodyAsync(response, cancellationToken).ConfigureAwait(false), 0, response.Content.Headers.ContentLength, StrongTag(response));

            var range = response.Content.Headers.ContentRange;
            var changed = StrongTag(response) is { } now && version is not null && now != version;
            if (offset > 0 && range?.From == offset && !changed)
                return new SourceContent(await BodyAsync(response, cancellationToken).ConfigureAwait(false), offset, range.Length, StrongTag(response) ?? version);

            response.Dispose();
            if (offset == 0) throw new InterruptedTransferException("the source sent a part that nobody asked for.");
            return await OpenAsync(address, name, 0, null, explain, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request and reads the headers of the answer, whatever it is.</summary>
    /// <param name="request">The request; its address is shown without what may be secret.</param>
    /// <param name="name">What is fetched, for messages.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="AlpacaException">There is no answer.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string name, CancellationToken cancellationToken)
    {
        authorize?.Invoke(request);
        var address = request.RequestUri!;
        try
        {
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new AlpacaException($"{name} could not be fetched from {PublicAddress.Of(address)}: {e.Message} Check the source's address and the network, then run again; finished parts are kept.", e);
        }
        catch (TimeoutRejectedException e)
        {
            throw new AlpacaException(
                $"{name} could not be fetched from {PublicAddress.Of(address)}: the server did not answer within {e.Timeout.TotalSeconds:0.#} seconds. Try again later; finished parts are kept.", e);
        }
    }

    /// <summary>The error for an answer that is a refusal.</summary>
    public AlpacaException Refused(HttpResponseMessage response, Uri address, string name, Explain explain)
    {
        var hint = RetryAfter.Of(response, timeProvider) is { } wait && (int)response.StatusCode is 429 or 503 && wait > TimeSpan.Zero
            ? $"It asks to be left alone for {wait.TotalSeconds:0} seconds; try again after that. Finished parts are kept."
            : explain(response);
        return new AlpacaException($"{name} could not be fetched from {PublicAddress.Of(address)}: the server answered {(int)response.StatusCode}. {hint}");
    }

    private static SourceContent? Nothing(HttpResponseMessage response)
    {
        response.Dispose();
        return null;
    }

    private static async Task<Stream> BodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
        => await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);

    private static bool IsMissing(HttpResponseMessage response) => response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone;

    private static string? StrongTag(HttpResponseMessage response) => response.Headers.ETag is { IsWeak: false } tag ? tag.ToString() : null;
}
