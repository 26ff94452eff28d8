using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Inference.Torch;

/// <summary>Registers the inference backend <c>Torch</c>.</summary>
public sealed class InferenceTorchPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration) => services.AddInferenceBackend<TorchBackend>();
}
