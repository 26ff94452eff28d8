using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>Writes an answer as JSON.</summary>
internal static class JsonAnswer
{
    public static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        await using (var writer = new Utf8JsonWriter(context.Response.BodyWriter, ApiJson.Writing)) JsonSerializer.Serialize(writer, value, type);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
