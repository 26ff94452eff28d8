using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>Something that has happened, as webhooks are told of it. Its properties are the fields of the format <see cref="WebhookFormat.Json"/>, documented in docs/notifications.md; other programs read them.</summary>
internal sealed record Notification
{
    /// <summary>Its identity: the same for each attempt and each webhook, so that a receiver can drop repeats.</summary>
    [JsonPropertyOrder(-1)]
    public required string Id { get; init; }

    /// <summary>What has happened.</summary>
    public required NotificationEvent Event { get; init; }

    /// <summary>The pipeline.</summary>
    public required string Pipeline { get; init; }

    /// <summary>The run, or the one that made the version; <see langword="null"/> for a run that could not be started.</summary>
    public long? Run { get; init; }

    /// <summary>What started the run; <see langword="null"/> for versions.</summary>
    public string? Trigger { get; init; }

    /// <summary>How the run ended; <see langword="null"/> for versions.</summary>
    public RunOutcome? Outcome { get; init; }

    /// <summary>Why, one sentence; <see langword="null"/> for a run that succeeded without a verdict.</summary>
    public string? Reason { get; init; }

    /// <summary>The stage that failed; otherwise <see langword="null"/>.</summary>
    public string? Stage { get; init; }

    /// <summary>When the run started (UTC); <see langword="null"/> for versions.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the run ended, or what happened to the version happened (UTC).</summary>
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>The version's number; <see langword="null"/> where it did not come to one.</summary>
    public int? Version { get; init; }

    /// <summary>The champion's number at the time of the telling; <see langword="null"/> where there is none.</summary>
    public int? Champion { get; init; }

    /// <summary>How the version was judged, with the figures; <see langword="null"/> where it was not.</summary>
    public PromotionVerdict? Verdict { get; init; }

    /// <summary>The name of the machine.</summary>
    public required string Machine { get; init; }
}
