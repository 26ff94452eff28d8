using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Convert;

/// <summary>Registers the stage <c>convert</c>.</summary>
public sealed class ConvertPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration) => services.AddCheckpointConverter<CheckpointConverter>();
}
