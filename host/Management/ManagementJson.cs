using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>Answers of the management API: the same JSON that <c>--json</c> writes.</summary>
internal static class ManagementJson
{
    public static async Task WriteAsync(HttpContext context, object document)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.WriteAsync(JsonOutput.Serialize(document) + "\n", context.RequestAborted);
    }
}
