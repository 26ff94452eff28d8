using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The configuration section <c>Notifications</c>.</summary>
/// <param name="Webhooks">Who is told; empty where nothing is said.</param>
internal sealed record NotificationSettings(IReadOnlyList<Webhook> Webhooks)
{
    /// <summary>Nobody is told.</summary>
    public static readonly NotificationSettings Default = new([]);

    /// <summary>The section's key.</summary>
    public const string Key = "Notifications";

    /// <summary>Reads the section.</summary>
    /// <exception cref="AlpacaUsageException">A value cannot be used; one line for each, none of which shows an address or a secret.</exception>
    public static NotificationSettings Read(AlpacaSettings settings)
    {
        var errors = new List<string>();
        var webhooks = settings.Configuration.GetSection($"{Key}:Webhooks").GetChildren().Select(section => new WebhookReader(section, settings, errors).Read()).OfType<Webhook>().ToList();
        return errors.Count == 0 ? new NotificationSettings(webhooks) : throw new AlpacaUsageException(string.Join('\n', errors));
    }
}
