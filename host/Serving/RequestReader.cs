using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>Reads the JSON object that a request brings.</summary>
/// <param name="maxBytes">The largest body that is read.</param>
internal sealed class RequestReader(long maxBytes)
{
    private const int PieceBytes = 16384;

    /// <summary>Reads it; the caller disposes the document.</summary>
    /// <exception cref="ApiException">It is too large, not JSON, or not an object.</exception>
    public async Task<JsonDocument> ReadAsync(HttpContext context)
    {
        // A page of another site can send other types without asking the browser first.
        if (!context.Request.HasJsonContentType())
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, $"The Content-Type is '{context.Request.ContentType}'; it must be application/json.", ApiException.InvalidRequest, code: "unsupported_media_type");
        var bytes = await ReadBytesAsync(context);
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes);
        }
        catch (JsonException e)
        {
            throw ApiException.Invalid($"The body is not valid JSON: {e.Message}", code: "invalid_json");
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
        document.Dispose();
        throw ApiException.Invalid("The body must be a JSON object.", code: "invalid_json");
    }

    // Kestrel's own limit is off: it closes the connection at once, so that the client sees a broken pipe where it should see why. What is not read here, Kestrel reads and forgets for
    // some seconds after the answer.
    private async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpContext context)
    {
        if (context.Request.ContentLength > maxBytes) throw TooLarge();
        var bytes = new byte[Math.Min(context.Request.ContentLength ?? PieceBytes, PieceBytes)]; // what is announced is not yet sent
        var length = 0;
        while (true)
        {
            if (length == bytes.Length) Array.Resize(ref bytes, (int)Math.Min(maxBytes + 1, Math.Max(PieceBytes, bytes.Length * 2L)));
            var read = await context.Request.Body.ReadAsync(bytes.AsMemory(length), context.RequestAborted);
            if (read == 0) return bytes.AsMemory(0, length);
            length += read;
            if (length > maxBytes) throw TooLarge();
            if (length == context.Request.ContentLength) return bytes.AsMemory(0, length);
        }
    }

    private ApiException TooLarge() => new(StatusCodes.Status413PayloadTooLarge, $"The body of the request is larger than the {maxBytes} bytes that the server takes (Serving:MaxRequestBytes).", ApiException.InvalidRequest, code: "request_too_large");
}
