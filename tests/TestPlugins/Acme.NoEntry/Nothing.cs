using Alpaca.Abstractions;

namespace Acme.NoEntry;

/// <summary>Refers to the contracts without implementing the plugin's entry point.</summary>
public abstract class Nothing : IPlugin
{
    /// <inheritdoc />
    public abstract void ConfigureServices(
        Microsoft.Extensions.DependencyInjection.IServiceCollection services, Microsoft.Extensions.Configuration.IConfiguration configuration);
}
