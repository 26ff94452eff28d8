using System.Net.Sockets;

namespace Alpaca.Host;

/// <summary>Makes single attempts to tell webhooks. What it says about failures holds no address.</summary>
internal sealed class WebhookClient : IDisposable
{
    // Chats answer with a line; whoever answers with more is not one.
    private const int MostBytes = 64 << 10;

    private readonly TimeProvider _time;
    private readonly HttpClient _client;

    /// <summary>Makes a client of its own rather than one of a factory's: those log addresses.</summary>
    public WebhookClient(TimeProvider time)
    {
        _time = time;
        var sockets = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        _client = new HttpClient(sockets) { Timeout = Timeout.InfiniteTimeSpan }; // each webhook has its own
        _client.DefaultRequestHeaders.UserAgent.ParseAdd($"alpaca/{typeof(WebhookClient).Assembly.GetName().Version?.ToString(3)}");
    }

    /// <summary>Tells a webhook once.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; whether the webhook was told is not known.</exception>
    public async Task<DeliveryResult> SendAsync(Webhook webhook, Notification notification, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(webhook.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var request = WebhookRequest.Create(webhook, notification, _time.GetUtcNow());
            using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var body = webhook.Format == WebhookFormat.Json ? default : await ReadAsync(answer.Content, either.Token);
            return WebhookAnswer.Judge(webhook.Format, answer, body, _time.GetUtcNow());
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new($"it did not answer within {webhook.Timeout.TotalSeconds} s", MayPass: true);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new(Describe(e), MayPass: true);
        }
    }

    public void Dispose() => _client.Dispose();

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[MostBytes];
        var read = await stream.ReadAtLeastAsync(buffer, MostBytes, throwOnEndOfStream: false, cancellationToken);
        return buffer.AsMemory(0, read);
    }

    private static string Describe(Exception e) => e switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "its name could not be resolved",
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } when e.InnerException is System.Security.Authentication.AuthenticationException => "its certificate is not trusted, or it speaks no TLS",
        HttpRequestException { InnerException: SocketException socket } => $"no connection ({socket.SocketErrorCode})",
        HttpRequestException { HttpRequestError: var error } => $"the connection broke ({error})",
        _ => "the connection broke",
    };
}
