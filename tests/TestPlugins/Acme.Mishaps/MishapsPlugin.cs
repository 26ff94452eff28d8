using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Acme.Mishaps;

/// <summary>A stage that takes its process down in every way there is, and one that tells what it was given.</summary>
public sealed class MishapsPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(configuration);
        services.AddStage<MishapStage, MishapRequest, MishapArtifact>("acme-mishap");
        services.AddStage<InventoryStage, InventoryRequest, InventoryArtifact>("acme-inventory");
    }
}
