using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Merging;

/// <summary>Registers the stage <c>merge</c>.</summary>
public sealed class MergingPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration) => services.AddAdapterMerger<AdapterMerger>();
}
