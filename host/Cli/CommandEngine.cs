using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>The engine's services for one command.</summary>
internal sealed class CommandEngine : IAsyncDisposable
{
    private readonly ServiceProvider _services;

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
        return new CommandEngine(settings, services.BuildServiceProvider());
    }

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
