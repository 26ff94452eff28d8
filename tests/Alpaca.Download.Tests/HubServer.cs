using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

#pragma warning disable CA5350 // Git names contents and commits by SHA-1.

namespace Alpaca.Download.Tests;

/// <summary>A hub on loopback with one repository: its API, its files by commit, and a storage under another host name that large files are redirected to.</summary>
internal sealed class HubServer : IAsyncDisposable
{
    public const string Repository = "acme/tiny-llama";
    public const string Token = "hf_secretsecretsecret";

    private readonly WebApplication _app;
    private readonly Dictionary<string, Dictionary<string, byte[]>> _commits = [];

    private HubServer(WebApplication app) => _app = app;

    public string Address { get; private set; } = "";

    /// <summary>The commit that <c>main</c> is.</summary>
    public string Main { get; set; } = "";

    /// <summary>The token that is needed; <see langword="null"/> for a public repository.</summary>
    public string? NeededToken { get; set; }

    /// <summary>How many entries a page of the listing has.</summary>
    public int PageSize { get; set; } = 1000;

    /// <summary>The status and X-Error-Code that the API refuses with.</summary>
    public (int Status, string? Code)? Refusal { get; set; }

    /// <summary>Where large files are: another origin, unless a test says otherwise.</summary>
    public Func<string, string> Storage { get; set; } = path => path;

    /// <summary>Changes an entry of the listing.</summary>
    public Action<JsonObject> Distort { get; set; } = _ => { };

    /// <summary>Each request as <c>host path@range</c>.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The hosts with the Authorization header that each request to them had.</summary>
    public ConcurrentQueue<(string Host, string Authorization)> Authorizations { get; } = new();

    /// <summary>After how many bytes the coming answers of the storage are cut.</summary>
    public ConcurrentQueue<int> Cuts { get; } = new();

    /// <summary>Called when a file is asked for, before it is answered.</summary>
    public Action<string> Asked { get; set; } = _ => { };

    public static async Task<HubServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new HubServer(app);
        app.Run(server.ServeAsync);
        await app.StartAsync();
        server.Address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        server.Storage = path => $"{server.Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}/storage/{path}?signature=presigned";
        return server;
    }

    /// <summary>Adds a commit, which <c>main</c> is from now on.</summary>
    public string Commit(params (string Name, byte[] Content)[] files)
    {
        Main = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes($"commit {_commits.Count}")));
        _commits[Main] = files.ToDictionary(f => f.Name, f => f.Content);
        return Main;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    public static bool IsLarge(string name) => name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".bin", StringComparison.Ordinal) || name.EndsWith(".pth", StringComparison.Ordinal);

    private async Task ServeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!.TrimStart('/');
        Requests.Enqueue($"{context.Request.Host.Host} {path}@{context.Request.Headers.Range}");
        Authorizations.Enqueue((context.Request.Host.Host, context.Request.Headers.Authorization.ToString()));
        if (path.StartsWith("storage/", StringComparison.Ordinal)) await ServeStorageAsync(context, path["storage/".Length..]);
        else if (Refusal is { } refusal) Refuse(context, refusal.Status, refusal.Code);
        else if (NeededToken is not null && context.Request.Headers.Authorization != $"Bearer {NeededToken}") Refuse(context, 401, null);
        else if (path.StartsWith($"api/models/{Repository}/revision/", StringComparison.Ordinal)) await ServeRevisionAsync(context, path.Split('/')[^1]);
        else if (path.StartsWith($"api/models/{Repository}/tree/", StringComparison.Ordinal)) await ServeTreeAsync(context, path.Split('/')[^1]);
        else if (path.StartsWith($"{Repository}/resolve/", StringComparison.Ordinal)) await ServeFileAsync(context, path[$"{Repository}/resolve/".Length..]);
        else Refuse(context, 404, "RepoNotFound");
    }

    private async Task ServeRevisionAsync(HttpContext context, string revision)
    {
        var commit = revision == "main" ? Main : revision;
        if (_commits.ContainsKey(commit)) await context.Response.WriteAsync(new JsonObject { ["sha"] = commit, ["siblings"] = new JsonArray() }.ToJsonString());
        else Refuse(context, 404, "RevisionNotFound");
    }

    private async Task ServeTreeAsync(HttpContext context, string commit)
    {
        var entries = new List<JsonObject> { new() { ["type"] = "directory", ["oid"] = "0", ["size"] = 0, ["path"] = "original" } };
        entries.AddRange(_commits[commit].Select(file => Entry(file.Key, file.Value)));
        var page = int.TryParse(context.Request.Query["cursor"], out var cursor) ? cursor : 0;
        if ((page + 1) * PageSize < entries.Count) // As the hub does behind a mirror: the link names the hub itself.
            context.Response.Headers.Link = $"<https://huggingface.invalid/api/models/{Repository}/tree/{commit}?recursive=true&cursor={page + 1}>; rel=\"next\"";
        await context.Response.WriteAsync(new JsonArray([.. entries.Skip(page * PageSize).Take(PageSize)]).ToJsonString());
    }

    private JsonObject Entry(string name, byte[] content)
    {
        var git = Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));
        var entry = new JsonObject { ["type"] = "file", ["oid"] = git, ["size"] = content.Length, ["path"] = name };
        if (IsLarge(name)) entry["lfs"] = new JsonObject { ["oid"] = Convert.ToHexStringLower(SHA256.HashData(content)), ["size"] = content.Length, ["pointerSize"] = 134 };
        Distort(entry);
        return entry;
    }

    private async Task ServeFileAsync(HttpContext context, string path)
    {
        var (commit, name) = (path.Split('/')[0], path[(path.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        Asked(name);
        if (!_commits.TryGetValue(commit, out var files) || !files.TryGetValue(name, out var content)) Refuse(context, 404, "EntryNotFound");
        else if (IsLarge(name)) context.Response.Redirect(Storage(path));
        else await SendAsync(context, content);
    }

    private async Task ServeStorageAsync(HttpContext context, string path)
    {
        var (commit, name) = (path.Split('/')[0], path[(path.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        await SendAsync(context, _commits[commit][name]);
    }

    private async Task SendAsync(HttpContext context, byte[] content)
    {
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\"";
        var range = context.Request.Headers.Range.ToString();
        var offset = range.Length > 0 && context.Request.Headers.IfRange == tag ? int.Parse(range[6..^1], System.Globalization.CultureInfo.InvariantCulture) : 0;
        context.Response.Headers.ETag = tag;
        context.Response.ContentLength = content.Length - offset;
        if (offset > 0)
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = $"bytes {offset}-{content.Length - 1}/{content.Length}";
        }

        if (context.Request.Path.StartsWithSegments("/storage") && Cuts.TryDequeue(out var cut))
        {
            await context.Response.Body.WriteAsync(content.AsMemory(offset, Math.Min(cut, content.Length - offset)));
            await context.Response.Body.FlushAsync();
            await FileServer.CutAsync(context);
            return;
        }

        await context.Response.Body.WriteAsync(content.AsMemory(offset));
    }

    private static void Refuse(HttpContext context, int status, string? code)
    {
        context.Response.StatusCode = status;
        if (code is not null) context.Response.Headers["X-Error-Code"] = code;
    }
}
