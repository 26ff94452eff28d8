using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Alpaca.Host;

/// <summary><c>GET /health/ready</c>: every check with what it found; status 503 when one is unhealthy.</summary>
internal sealed class HealthEndpoint(HealthCheckService health)
{
    public async Task ReadyAsync(HttpContext context)
    {
        var report = await health.CheckHealthAsync(context.RequestAborted);
        context.Response.StatusCode = report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        var checks = new JsonObject();
        foreach (var (name, entry) in report.Entries)
        {
            var found = new JsonObject { ["status"] = entry.Status.ToString() };
            if ((entry.Description ?? entry.Exception?.Message) is { Length: > 0 } description) found["description"] = description;
            foreach (var (key, value) in entry.Data) (found["data"] ??= new JsonObject())[key] = value?.ToString();
            checks[name] = found;
        }

        await ManagementJson.WriteAsync(context, new JsonObject { ["status"] = report.Status.ToString(), ["checks"] = checks });
    }
}
