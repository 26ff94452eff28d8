using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Acme.ThrowsInConstructor;

/// <summary>Fails before it can register anything.</summary>
public sealed class ThrowsInConstructorPlugin : IPlugin
{
    /// <summary>Fails.</summary>
    public ThrowsInConstructorPlugin() => throw new InvalidOperationException("No Acme server was found.");

    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration)
    {
    }
}
