using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Host;

/// <summary>The part of the HTTP server that is for operators: readiness, metrics and the management API.</summary>
internal static class ManagementServer
{
    /// <summary>Adds what it needs beside the scheduler and the monitoring.</summary>
    public static void Add(IServiceCollection services) => services.AddSingleton<ManagementApi>().AddSingleton<ModelsApi>().AddSingleton<HealthEndpoint>();

    /// <summary>Puts the endpoints in place, behind the middleware of <see cref="ApiServer"/>.</summary>
    public static void Map(WebApplication app)
    {
        var api = app.Services.GetRequiredService<ManagementApi>();
        var models = app.Services.GetRequiredService<ModelsApi>();
        app.MapGetAndHead("/health/ready", app.Services.GetRequiredService<HealthEndpoint>().ReadyAsync);
        app.MapGetAndHead("/api/pipelines", api.PipelinesAsync);
        app.MapGetAndHead("/api/pipelines/{name}/drops", api.DropsAsync);
        app.MapPost("/api/pipelines/{name}/runs", api.StartAsync);
        app.MapPost("/api/pipelines/{name}/cancel", api.CancelAsync);
        app.MapGetAndHead("/api/pipelines/{name}/models", models.ListAsync);
        app.MapPost("/api/pipelines/{name}/promote", models.PromoteAsync);
        app.MapPost("/api/pipelines/{name}/rollback", models.RollBackAsync);
        app.MapGetAndHead("/api/runs", api.RunsAsync);
        app.MapGetAndHead("/api/runs/{id}", api.RunAsync);
        app.MapGetAndHead("/api/plugins", api.PluginsAsync);
        app.MapPrometheusScrapingEndpoint("/metrics");
    }
}
