namespace Alpaca.Host;

/// <summary>One webhook, the configuration section <c>Notifications:Webhooks:&lt;name&gt;</c>. A class and not a record, so that nothing writes out its address or secret by accident.</summary>
internal sealed class Webhook
{
    /// <summary>The events it is told of where nothing is said: all but <see cref="NotificationEvent.Promoted"/>, which follows a success.</summary>
    public static IReadOnlyList<NotificationEvent> DefaultEvents { get; } = [NotificationEvent.Succeeded, NotificationEvent.Failed, NotificationEvent.Rejected, NotificationEvent.RolledBack];

    /// <summary>Its name, which is all that is ever logged of it.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is, http or https. A secret: it holds tokens. There is no default.</summary>
    public required Uri Url { get; init; }

    /// <summary>The form in which it is told. The default is <see cref="WebhookFormat.Json"/>.</summary>
    public WebhookFormat Format { get; init; } = WebhookFormat.Json;

    /// <summary>What it is told of. The default is <see cref="DefaultEvents"/>.</summary>
    public IReadOnlyList<NotificationEvent> Events { get; init; } = DefaultEvents;

    /// <summary>The pipelines it is told of; empty for all, which is the default.</summary>
    public IReadOnlyList<string> Pipelines { get; init; } = [];

    /// <summary>What requests are signed with; <see langword="null"/>, the default, for no signature. A secret.</summary>
    public string? Secret { get; init; }

    /// <summary>How often a notification is sent at most, from 1 to 20. The default is 5.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>How long an attempt may take, from 1 to 300 s. The default is 10 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether it is to be told of something.</summary>
    public bool Wants(Notification notification) => Events.Contains(notification.Event) && (Pipelines.Count == 0 || Pipelines.Contains(notification.Pipeline));

    /// <inheritdoc />
    public override string ToString() => Name;
}
