using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Alpaca.Download.Tests;

/// <summary>A real HTTP server on loopback over a folder, with faults to order.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FileServer(WebApplication app) => _app = app;

    /// <summary>Each request as <c>name@offset</c>.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Whether ranges are honoured.</summary>
    public bool Ranges { get; set; } = true;

    /// <summary>The ETag sent, quoted.</summary>
    public string ETag { get; set; } = "\"one\"";

    /// <summary>After how many body bytes the connection is cut, for each coming request of a name; 0 sends everything.</summary>
    public ConcurrentQueue<(string Name, long Bytes)> Cuts { get; } = new();

    /// <summary>Status codes to answer the coming requests with, instead of the file.</summary>
    public ConcurrentQueue<int> Statuses { get; } = new();

    public string Address { get; private set; } = "";

    public static async Task<FileServer> StartAsync(string folder)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new FileServer(app);
        app.Run(context => server.ServeAsync(context, folder));
        await app.StartAsync();
        server.Address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ServeAsync(HttpContext context, string folder)
    {
        var name = context.Request.Path.Value!.TrimStart('/');
        var path = Path.Combine(folder, name);
        var asked = context.Request.Headers.Range.ToString();
        var sameVersion = context.Request.Headers.IfRange.ToString() is var condition && (condition.Length == 0 || condition == ETag);
        var offset = Ranges && sameVersion && asked.StartsWith("bytes=", StringComparison.Ordinal) ? long.Parse(asked[6..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0;
        Requests.Enqueue($"{name}@{offset}");
        if (Statuses.TryDequeue(out var status))
        {
            context.Response.StatusCode = status;
            return;
        }

        if (!File.Exists(path))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var content = await File.ReadAllBytesAsync(path);
        context.Response.Headers.ETag = ETag;
        context.Response.ContentLength = content.Length - offset;
        if (offset > 0)
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes {offset}-{content.Length - 1}/{content.Length}";
        }

        var rest = content.AsMemory((int)offset);
        if (Cuts.TryPeek(out var cut) && cut.Name == name && Cuts.TryDequeue(out cut))
        {
            await context.Response.Body.WriteAsync(rest[..(int)cut.Bytes]);
            await context.Response.Body.FlushAsync();
            context.Abort();
            return;
        }

        await context.Response.Body.WriteAsync(rest);
    }
}
