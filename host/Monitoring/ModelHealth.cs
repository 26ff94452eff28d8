using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Alpaca.Host;

/// <summary>Whether the server can answer: unhealthy while a model is being loaded, degraded where there is none to serve.</summary>
internal sealed class ModelHealth(IServedModels models) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var lease = models.Acquire(null);
            return Task.FromResult(HealthCheckResult.Healthy($"Serving {lease.Served.Name}"));
        }
        catch (ModelUnavailableException e)
        {
            return Task.FromResult(e.IsLoading ? HealthCheckResult.Unhealthy(e.Message) : HealthCheckResult.Degraded(e.Message));
        }
    }
}
