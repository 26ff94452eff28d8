using System.Net;

namespace Alpaca.Host.Tests;

/// <summary>A body of blanks that counts how much of it was sent.</summary>
internal sealed class CountedContent : HttpContent
{
    private readonly int _length;
    private readonly bool _isChunked;

    public CountedContent(int length, bool isChunked)
    {
        (_length, _isChunked) = (length, isChunked);
        Headers.ContentType = new("application/json");
    }

    public int Sent { get; private set; }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        var piece = new byte[100_000];
        Array.Fill(piece, (byte)' ');
        try
        {
            for (; Sent < _length; Sent += piece.Length) await stream.WriteAsync(piece);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // The server has answered already.
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return !_isChunked;
    }
}
