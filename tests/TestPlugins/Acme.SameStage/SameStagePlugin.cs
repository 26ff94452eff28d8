using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Acme.SameStage;

/// <summary>Registers a stage under a name that Acme.Notes has.</summary>
public sealed class SameStagePlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration)
        => services.AddStage<EmptyStage, EmptyRequest, EvaluationArtifact>("acme-note");
}

/// <summary>No options.</summary>
public sealed record EmptyRequest;

/// <summary>Does nothing.</summary>
public sealed class EmptyStage : IStage<EmptyRequest, EvaluationArtifact>
{
    /// <inheritdoc />
    public Task<EvaluationArtifact> ExecuteAsync(EmptyRequest request, StageContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(new EvaluationArtifact());
}
