using Alpaca.Abstractions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>The engine's services for one command.</summary>
internal sealed class CommandEngine : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private NotificationService? _notifications;

    private CommandEngine(AlpacaSettings settings, ServiceProvider services) => (Settings, _services) = (settings, services);

    public AlpacaSettings Settings { get; }

    /// <summary>Loads the plugins at the first use.</summary>
    public IPluginCatalog Catalog => Get<IPluginCatalog>();

    public static CommandEngine Start(AlpacaSettings settings, CommandConsole console, bool verbose)
    {
        TorchLibrary.Use(settings);
        var services = new ServiceCollection();
        services.AddLogging(logging => logging
            .SetMinimumLevel(verbose ? LogLevel.Debug : LogLevel.Warning)
            .AddProvider(new ConsoleLog(console.ErrorLines)));
        services.AddAlpacaEngine(settings);
        services.AddSingleton<ModelLoader>();
        services.AddMetrics();
        services.AddSingleton<AlpacaMetrics>();
        services.AddAlpacaNotifications(settings, () => NotificationSettings.Read(settings));
        return new CommandEngine(settings, services.BuildServiceProvider());
    }

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Tells webhooks what the command does to runs and versions; the end of the engine waits a few seconds for that.</summary>
    /// <exception cref="AlpacaUsageException">The section <c>Notifications</c> cannot be used.</exception>
    public Task NotifyAsync(CancellationToken cancellationToken)
    {
        _notifications = Get<NotificationService>();
        return _notifications.StartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_notifications is not null) await _notifications.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
    }
}
