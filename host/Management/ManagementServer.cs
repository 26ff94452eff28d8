using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
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
        Get("/health/ready", app.Services.GetRequiredService<HealthEndpoint>().ReadyAsync);
        Get("/api/pipelines", api.PipelinesAsync);
        Get("/api/pipelines/{name}/drops", api.DropsAsync);
        Post("/api/pipelines/{name}/runs", api.StartAsync);
        Post("/api/pipelines/{name}/cancel", api.CancelAsync);
        Get("/api/pipelines/{name}/models", models.ListAsync);
        Post("/api/pipelines/{name}/promote", models.PromoteAsync);
        Post("/api/pipelines/{name}/rollback", models.RollBackAsync);
        Get("/api/runs", api.RunsAsync);
        Get("/api/runs/{id}", api.RunAsync);
        Get("/api/plugins", api.PluginsAsync);
        app.MapPrometheusScrapingEndpoint("/metrics");

        void Get(string path, RequestDelegate handler) => app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], handler);

        void Post(string path, RequestDelegate handler) => app.MapMethods(path, [HttpMethods.Post], handler);
    }
}
