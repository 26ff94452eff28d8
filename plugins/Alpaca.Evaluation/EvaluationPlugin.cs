using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Evaluation;

/// <summary>Registers the stage <c>evaluate</c>.</summary>
public sealed class EvaluationPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration) => services.AddEvaluator<Evaluator>();
}
