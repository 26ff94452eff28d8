using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Inference.Onnx;

/// <summary>Registers the <c>export</c> stage and the <c>Onnx</c> backend.</summary>
public sealed class InferenceOnnxPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration)
    {
        services.AddModelExporter<OnnxExporter>();
        services.AddInferenceBackend<OnnxBackend>();
    }
}
