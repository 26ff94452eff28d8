using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Alpaca.Host;

/// <summary>Routes of the HTTP server.</summary>
internal static class EndpointRouteBuilderExtensions
{
    /// <summary>Maps a path that is read, also without its body: <c>MapGet</c> would refuse <c>HEAD</c>.</summary>
    public static void MapGetAndHead(this IEndpointRouteBuilder routes, string path, RequestDelegate handler) => routes.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], handler);
}
