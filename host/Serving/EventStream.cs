using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>Sends an answer in parts as server-sent events.</summary>
internal sealed class EventStream(ApiErrors errors, TimeProvider time)
{
    // Shorter than the patience of the usual proxies.
    internal static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(10);

    /// <summary>Sends the parts as they come, a comment now and then while none does, and <c>[DONE]</c>.</summary>
    /// <remarks>What goes wrong before anything was sent is thrown, so that it gets its status; what goes wrong later is an event.</remarks>
    public async Task SendAsync<T>(HttpContext context, IAsyncEnumerable<T> parts, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        await using var source = parts.GetAsyncEnumerator(cancellationToken);
        var body = context.Response.BodyWriter;
        await using var writer = new Utf8JsonWriter(body, ApiJson.Writing);
        try
        {
            while (await NextAsync(context, source))
            {
                Start(context);
                WriteEvent(body, writer, source.Current, type);
                await body.FlushAsync(context.RequestAborted);
            }
        }
        catch (Exception e) when (context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            WriteEvent(body, writer, errors.Describe(e).Body, ApiJson.Default.ApiErrorBody);
        }

        Start(context);
        Write(body, "data: [DONE]\n\n");
        await body.FlushAsync(context.RequestAborted);
    }

    private async Task<bool> NextAsync<T>(HttpContext context, IAsyncEnumerator<T> source)
    {
        var next = source.MoveNextAsync();
        if (next.IsCompleted) return await next;
        var coming = next.AsTask();
        while (true)
        {
            try
            {
                return await coming.WaitAsync(HeartbeatInterval, time);
            }
            catch (TimeoutException) when (!coming.IsCompleted)
            {
                Start(context);
                Write(context.Response.BodyWriter, ": waiting\n\n");
                // Of a client that has left the answer is cancelled, which `coming` tells.
                await context.Response.BodyWriter.FlushAsync(CancellationToken.None);
            }
        }
    }

    private static void Start(HttpContext context)
    {
        if (context.Response.HasStarted || context.Response.ContentType is not null) return;
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would wait for more
    }

    private static void WriteEvent<T>(PipeWriter body, Utf8JsonWriter writer, T value, JsonTypeInfo<T> type)
    {
        Write(body, "data: ");
        writer.Reset();
        JsonSerializer.Serialize(writer, value, type);
        writer.Flush();
        Write(body, "\n\n");
    }

    private static void Write(PipeWriter body, string text)
    {
        var span = body.GetSpan(text.Length);
        body.Advance(Encoding.ASCII.GetBytes(text, span));
    }
}
