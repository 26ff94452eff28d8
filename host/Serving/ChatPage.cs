using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Alpaca.Host;

/// <summary>The chat page at <c>/</c>, from the executable itself. It needs no key; what it asks the API does.</summary>
internal static class ChatPage
{
    private static readonly (string Path, string Name, string ContentType)[] Files =
    [
        ("/", "chat.html", "text/html; charset=utf-8"),
        ("/chat.css", "chat.css", "text/css; charset=utf-8"),
        ("/chat.js", "chat.js", "text/javascript; charset=utf-8"),
    ];

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var (path, name, contentType) in Files)
        {
            var content = Read(name);
            routes.MapGetAndHead(path, context => WriteAsync(context, content, contentType));
        }
    }

    private static async Task WriteAsync(HttpContext context, byte[] content, string contentType)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-cache";
        context.Response.ContentType = contentType;
        context.Response.ContentLength = content.Length;
        if (HttpMethods.IsGet(context.Request.Method)) await context.Response.Body.WriteAsync(content, context.RequestAborted);
    }

    private static byte[] Read(string name)
    {
        using var resource = typeof(ChatPage).Assembly.GetManifestResourceStream(name)!;
        using var content = new MemoryStream();
        resource.CopyTo(content);
        return content.ToArray();
    }
}
