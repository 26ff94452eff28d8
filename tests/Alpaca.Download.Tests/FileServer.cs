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

    /// <summary>Each GET as <c>name@offset</c>.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The names asked for with HEAD.</summary>
    public ConcurrentQueue<string> Heads { get; } = new();

    /// <summary>The Authorization header of every request, empty where there was none.</summary>
    public ConcurrentQueue<string> Authorizations { get; } = new();

    /// <summary>Whether ranges are honoured.</summary>
    public bool Ranges { get; set; } = true;

    /// <summary>The ETag sent, quoted; <see langword="null"/> for none.</summary>
    public string? ETag { get; set; } = "\"one\"";

    /// <summary>After how many body bytes the connection is cut, for each coming GET of a name.</summary>
    public ConcurrentQueue<(string Name, long Bytes)> Cuts { get; } = new();

    /// <summary>Status codes to answer the coming GETs with, instead of the file.</summary>
    public ConcurrentQueue<int> Statuses { get; } = new();

    /// <summary>Handles a request its own way, or says that it does not.</summary>
    public Func<HttpContext, string, Task<bool>> Intercept { get; set; } = (_, _) => Task.FromResult(false);

    /// <summary>Writes the body of a file; the default sends it all.</summary>
    public Func<HttpContext, ReadOnlyMemory<byte>, Task> Send { get; set; } = async (context, content) => await context.Response.Body.WriteAsync(content, context.RequestAborted);

    /// <summary>What ranges say the whole file's length is.</summary>
    public Func<long, long> RangeTotal { get; set; } = length => length;

    public string Address { get; private set; } = "";

    /// <summary>The same server under another name, which makes it another origin.</summary>
    public string OtherName => Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);

    public static async Task<FileServer> StartAsync(string folder)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(options => options.Limits.MinResponseDataRate = null);
        var app = builder.Build();
        var server = new FileServer(app);
        app.Run(context => server.ServeAsync(context, folder));
        await app.StartAsync();
        server.Address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        // A request that hangs on purpose is not waited for.
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    /// <summary>Cuts the connection, mostly after what was written has left; Kestrel drops what has not.</summary>
    public static async Task CutAsync(HttpContext context)
    {
        await Task.Delay(15);
        context.Abort();
    }

    private async Task ServeAsync(HttpContext context, string folder)
    {
        var name = context.Request.Path.Value!.TrimStart('/');
        var isHead = HttpMethods.IsHead(context.Request.Method);
        var asked = context.Request.Headers.Range.ToString();
        var sameVersion = context.Request.Headers.IfRange.ToString() is var condition && (condition.Length == 0 || condition == ETag);
        var offset = Ranges && sameVersion && asked.StartsWith("bytes=", StringComparison.Ordinal) ? long.Parse(asked[6..].Split('-')[0], CultureInfo.InvariantCulture) : 0;
        if (isHead) Heads.Enqueue(name);
        else Requests.Enqueue($"{name}@{offset}");
        Authorizations.Enqueue(context.Request.Headers.Authorization.ToString());
        if (await Intercept(context, name)) return;
        if (!isHead && Statuses.TryDequeue(out var status))
        {
            context.Response.StatusCode = status;
            return;
        }

        var path = Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var content = await File.ReadAllBytesAsync(path);
        if (ETag is not null) context.Response.Headers.ETag = ETag;
        if (offset > 0 && offset >= content.Length)
        {
            context.Response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            context.Response.Headers.ContentRange = $"bytes */{content.Length}";
            return;
        }

        context.Response.ContentLength = content.Length - offset;
        if (isHead) return;
        if (offset > 0)
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes {offset}-{RangeTotal(content.Length) - 1}/{RangeTotal(content.Length)}";
        }

        var rest = content.AsMemory((int)offset);
        if (Cuts.TryPeek(out var cut) && cut.Name == name && Cuts.TryDequeue(out cut))
        {
            await context.Response.StartAsync();
            await context.Response.Body.WriteAsync(rest[..(int)Math.Min(cut.Bytes, rest.Length)]);
            await context.Response.Body.FlushAsync();
            await CutAsync(context);
            return;
        }

        await Send(context, rest);
    }
}
