using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>How the service and commands get what tells webhooks.</summary>
internal static class NotificationRegistration
{
    /// <summary>Adds it. In a host, to be called before whatever runs pipelines: services stop in reverse, and the last runs are to be told too.</summary>
    /// <param name="services">The container.</param>
    /// <param name="settings">The configuration.</param>
    /// <param name="notifications">Reads what it says about notifications, when <see cref="NotificationService"/> is first asked for.</param>
    public static void AddAlpacaNotifications(this IServiceCollection services, AlpacaSettings settings, Func<NotificationSettings> notifications)
    {
        services.AddSingleton<NotificationInbox>();
        services.AddSingleton<NotificationObserver>();
        services.AddSingleton<IRunObserver>(provider => provider.GetRequiredService<NotificationObserver>());
        services.AddSingleton<IRegistryObserver>(provider => provider.GetRequiredService<NotificationObserver>());
        services.AddSingleton(provider => new ConfiguredWebhooks(settings, notifications(), provider.GetRequiredService<ILogger<ConfiguredWebhooks>>()));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<NotificationService>(provider, new DeliveryTimes(), new Random()));
    }
}
