namespace Alpaca.Host;

/// <summary>The form in which a webhook is told.</summary>
public enum WebhookFormat
{
    /// <summary>All fields as one JSON document, for programs.</summary>
    Json,

    /// <summary>A text message of a Feishu (or Lark) group's custom bot.</summary>
    Feishu,

    /// <summary>A text message of a DingTalk group's custom robot.</summary>
    DingTalk,

    /// <summary>A text message of a WeCom group's robot.</summary>
    WeCom,
}
