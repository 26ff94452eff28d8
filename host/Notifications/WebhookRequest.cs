using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>Requests to webhooks: in the form that each wants, signed as each checks it. Made anew for each attempt, since signatures hold for an hour.</summary>
internal static class WebhookRequest
{
    /// <summary>The header with <see cref="Notification.Id"/>.</summary>
    public const string DeliveryHeader = "X-Alpaca-Delivery";

    /// <summary>The header with the signature of the format <see cref="WebhookFormat.Json"/>.</summary>
    public const string SignatureHeader = "X-Alpaca-Signature";

    // WeCom takes 2048 bytes, the others some 20 kB for the whole request: a text of 4,000 Chinese characters is 12 kB.
    private const int MostWeComBytes = 2048, MostCharacters = 4000;

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The request that tells a webhook of something.</summary>
    /// <param name="webhook">The webhook.</param>
    /// <param name="notification">What has happened.</param>
    /// <param name="now">The time for the signature.</param>
    public static HttpRequestMessage Create(Webhook webhook, Notification notification, DateTimeOffset now)
    {
        var (seconds, milliseconds) = (Text(now.ToUnixTimeSeconds()), Text(now.ToUnixTimeMilliseconds()));
        var body = JsonSerializer.SerializeToUtf8Bytes(Body(webhook, notification, seconds), Options);
        var request = new HttpRequestMessage(HttpMethod.Post, webhook is { Format: WebhookFormat.DingTalk, Secret: { } key } ? Signed(webhook.Url, milliseconds, key) : webhook.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        request.Headers.Add(DeliveryHeader, notification.Id);
        if (webhook is { Format: WebhookFormat.Json, Secret: { } secret }) request.Headers.Add(SignatureHeader, $"sha256={Convert.ToHexStringLower(Hash(secret, body))}");
        return request;
    }

    private static object Body(Webhook webhook, Notification notification, string seconds) => webhook.Format switch
    {
        WebhookFormat.Json => notification,
        WebhookFormat.Feishu when webhook.Secret is { } secret => new
        {
            Timestamp = seconds,
            Sign = Convert.ToBase64String(Hash($"{seconds}\n{secret}", [])), // What is signed is the key, and the message is empty: so it is documented.
            Msg_type = "text",
            Content = new { Text = TextOf(notification) },
        },
        WebhookFormat.Feishu => new { Msg_type = "text", Content = new { Text = TextOf(notification) } },
        WebhookFormat.DingTalk => new { Msgtype = "text", Text = new { Content = TextOf(notification) } },
        _ => new { Msgtype = "text", Text = new { Content = WholeText.CutBytes(NotificationText.Of(notification), MostWeComBytes) } },
    };

    private static string TextOf(Notification notification) => WholeText.Cut(NotificationText.Of(notification), MostCharacters);

    private static Uri Signed(Uri url, string milliseconds, string secret)
    {
        var sign = Convert.ToBase64String(Hash(secret, Encoding.UTF8.GetBytes($"{milliseconds}\n{secret}")));
        var address = url.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped); // without a fragment
        return new Uri($"{address}{(url.Query.Length > 1 ? "&" : url.Query.Length == 1 ? "" : "?")}timestamp={milliseconds}&sign={Uri.EscapeDataString(sign)}");
    }

    private static byte[] Hash(string key, byte[] message) => HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), message);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
