using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host.Tests;

/// <summary>A request that a webhook got.</summary>
internal sealed record ReceivedRequest(string Path, string Query, IReadOnlyDictionary<string, string> Headers, byte[] Body, TimeSpan At)
{
    public JsonNode Json => JsonNode.Parse(Body)!;

    public string Event => (string)Json["event"]!;

    public string Id => Headers["X-Alpaca-Delivery"];
}

/// <summary>A webhook's server with faults, on loopback at a port of its own.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    /// <summary>What must never be seen anywhere else: the token in the address.</summary>
    public const string Token = "t0k3n-in-the-path", QueryToken = "t0k3n-in-the-query";

    private readonly ConcurrentQueue<ReceivedRequest> _requests = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly Func<HttpContext, Task>[] _answers;
    private readonly WebApplication _app;
    private int _count;

    private WebhookReceiver(bool isEncrypted, Func<HttpContext, Task>[] answers)
    {
        _answers = answers;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (isEncrypted) listen.UseHttps(SelfSigned());
        }));
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    /// <summary>The requests so far, the first one first.</summary>
    public IReadOnlyList<ReceivedRequest> Requests => [.. _requests];

    public Uri Url => new($"{_app.Urls.Single()}/hook/{Token}?access_token={QueryToken}");

    /// <summary>Starts it.</summary>
    /// <param name="answers">How it answers its requests in turn; the last one goes for all further ones. None: status 200.</param>
    public static Task<WebhookReceiver> StartAsync(params Func<HttpContext, Task>[] answers) => StartAsync(isEncrypted: false, answers);

    public static async Task<WebhookReceiver> StartAsync(bool isEncrypted, params Func<HttpContext, Task>[] answers)
    {
        var receiver = new WebhookReceiver(isEncrypted, answers.Length == 0 ? [Status(200)] : answers);
        await receiver._app.StartAsync();
        return receiver;
    }

    public static Func<HttpContext, Task> Status(int status, string? retryAfter = null, string? location = null) => context =>
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null) context.Response.Headers.RetryAfter = retryAfter;
        if (location is not null) context.Response.Headers.Location = location;
        return Task.CompletedTask;
    };

    public static Func<HttpContext, Task> Body(string body, int status = 200) => context =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(body);
    };

    /// <summary>Closes the connection without an answer.</summary>
    public static Task Break(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    /// <summary>Never answers.</summary>
    public static Task Hang(HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);

    /// <summary>Answers once something has happened.</summary>
    public static Func<HttpContext, Task> After(Task task) => async context => await task.WaitAsync(context.RequestAborted);

    /// <summary>Waits until there were so many requests.</summary>
    public async Task UntilAsync(int requests)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        while (_requests.Count < requests) await Task.Delay(20, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _closed.Dispose();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        var number = Interlocked.Increment(ref _count);
        _requests.Enqueue(new ReceivedRequest(context.Request.Path, context.Request.QueryString.Value ?? "", headers, body.ToArray(), Stopwatch.GetElapsedTime(0)));
        await _answers[Math.Min(number, _answers.Length) - 1](context).WaitAsync(_closed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
