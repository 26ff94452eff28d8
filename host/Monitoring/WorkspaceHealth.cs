using Alpaca.Abstractions;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Alpaca.Host;

/// <summary>Whether the workspace can be written to and its run database opened.</summary>
internal sealed class WorkspaceHealth(ArtifactStore store, RunDatabase database) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            database.Use(connection => connection.Scalar("SELECT 1"));
            var probe = Path.Combine(store.Workspace, $".health-{Environment.MachineName}-{Environment.ProcessId}");
            File.WriteAllBytes(probe, [0]);
            File.Delete(probe);
            return Task.FromResult(HealthCheckResult.Healthy());
        }
        catch (Exception e) when (e is AlpacaException or IOException or UnauthorizedAccessException)
        {
            return Task.FromResult(HealthCheckResult.Unhealthy(e.Message));
        }
    }
}
