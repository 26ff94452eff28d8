using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Alpaca.Host;

/// <summary>What answers of webhooks mean. Chats answer 200 and say in the body whether they took the message. Their words are not passed on: some repeat the address.</summary>
internal static class WebhookAnswer
{
    // "Asked too often" and "busy" of each chat: docs/notifications.md.
    private static readonly long[] Busy = [11232, 99991400, 130101, 410100, 45009, 45033, -1];

    /// <summary>Judges an answer.</summary>
    /// <param name="format">The webhook's format.</param>
    /// <param name="answer">The answer's status and headers.</param>
    /// <param name="body">Its body as far as it was read; not looked at for <see cref="WebhookFormat.Json"/>.</param>
    /// <param name="now">The time, for waits that end at a date.</param>
    public static DeliveryResult Judge(WebhookFormat format, HttpResponseMessage answer, ReadOnlyMemory<byte> body, DateTimeOffset now)
    {
        var status = (int)answer.StatusCode;
        var code = format == WebhookFormat.Json ? null : CodeOf(body);
        if (code is { } busy && Busy.Contains(busy)) return new(Text($"it answered code {busy}, asked too often or busy"), MayPass: true, WaitOf(answer, now), IsBusy: true);
        if (!answer.IsSuccessStatusCode) return OfStatus(answer, status, code, now);
        if (format == WebhookFormat.Json || code == 0) return DeliveryResult.Delivered;
        return new(code is null ? "it did not answer as this chat does; check Format and Url" : Text($"it answered code {code}"));
    }

    private static DeliveryResult OfStatus(HttpResponseMessage answer, int status, long? code, DateTimeOffset now)
    {
        var problem = Text($"it answered status {status}{(code is null ? "" : $" with code {code}")}");
        if (status is >= 300 and < 400) return new($"{problem}; redirects are not followed, so set Url to where it leads");
        return new(problem, status is 408 or 429 or >= 500, WaitOf(answer, now), status == (int)HttpStatusCode.TooManyRequests);
    }

    /// <summary>Feishu's <c>code</c>, or <c>StatusCode</c> at its old addresses; <c>errcode</c> of the others.</summary>
    private static long? CodeOf(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return null;
            foreach (var name in new[] { "errcode", "code", "StatusCode" })
            {
                if (document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var code)) return code;
            }

            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static TimeSpan? WaitOf(HttpResponseMessage answer, DateTimeOffset now)
    {
        var wait = answer.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - now : null;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
