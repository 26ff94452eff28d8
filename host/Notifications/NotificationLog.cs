using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What is logged about notifications; ids from 260. Webhooks by their name alone: their addresses are secrets.</summary>
internal static partial class NotificationLog
{
    [LoggerMessage(260, LogLevel.Debug, "Webhook {Webhook} was told of {Event} of pipeline {Pipeline} ({Attempts} attempts)")]
    public static partial void Notified(this ILogger log, string webhook, NotificationEvent @event, string pipeline, int attempts);

    [LoggerMessage(261, LogLevel.Information, "Webhook {Webhook} could not be told of {Event} of pipeline {Pipeline}: {Reason}; it is tried again in {Seconds:0.0} s (attempt {Attempt} of {Attempts})")]
    public static partial void NotificationIsRetried(this ILogger log, string webhook, NotificationEvent @event, string pipeline, string reason, double seconds, int attempt, int attempts);

    [LoggerMessage(262, LogLevel.Error, "Webhook {Webhook} was not told of {Event} of pipeline {Pipeline}: {Reason} (attempt {Attempt} of {Attempts})")]
    public static partial void NotificationFailed(this ILogger log, string webhook, NotificationEvent @event, string pipeline, string reason, int attempt, int attempts);

    [LoggerMessage(263, LogLevel.Warning, "More than {Capacity} notifications wait for webhook {Webhook}; the oldest are dropped until it has caught up")]
    public static partial void WebhookOverflows(this ILogger log, int capacity, string webhook);

    [LoggerMessage(264, LogLevel.Warning, "More than {Capacity} notifications wait to be handed out; the oldest are dropped")]
    public static partial void InboxOverflows(this ILogger log, int capacity);

    [LoggerMessage(265, LogLevel.Warning, "Webhook {Webhook} was not told of {Notifications} notifications, the first of them {Event} of pipeline {Pipeline}: the service stops, or the webhook was taken out")]
    public static partial void NotificationsUndelivered(this ILogger log, string webhook, int notifications, NotificationEvent @event, string pipeline);

    [LoggerMessage(266, LogLevel.Warning, "No webhook is told of {Event} of pipeline {Pipeline}: the service stops")]
    public static partial void NotificationTooLate(this ILogger log, NotificationEvent @event, string pipeline);

    [LoggerMessage(267, LogLevel.Information, "The configuration has changed; {Webhooks} webhooks are told from now on")]
    public static partial void WebhooksRead(this ILogger log, int webhooks);

    [LoggerMessage(268, LogLevel.Warning, "The changed configuration cannot be used, and webhooks are told as before: {Reason}")]
    public static partial void WebhooksKept(this ILogger log, string reason);

    [LoggerMessage(269, LogLevel.Error, "A notification of {Event} of pipeline {Pipeline} could not be handed out")]
    public static partial void NotHandedOut(this ILogger log, NotificationEvent @event, string pipeline, Exception exception);
}
