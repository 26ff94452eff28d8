namespace Alpaca.Download;

/// <summary>How long a server asks to be left alone.</summary>
internal static class RetryAfter
{
    /// <summary>Reads the header, in seconds or as a date.</summary>
    /// <returns>The wait, not negative; <see langword="null"/> when the server does not say.</returns>
    public static TimeSpan? Of(HttpResponseMessage? response, TimeProvider timeProvider)
    {
        if (response?.Headers.RetryAfter is not { } header) return null;
        var wait = header.Delta ?? (header.Date is { } date ? date - timeProvider.GetUtcNow() : null);
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
