using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Quartz;

namespace Alpaca.Host;

/// <summary>Metrics, traces and health of the service.</summary>
internal static class MonitoringRegistration
{
    private const string QuartzName = "Quartz";
    private static readonly string[] Meters = [AlpacaMetrics.Name, QuartzName, "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];

    /// <summary>Adds what measures, whether or not somebody asks.</summary>
    public static void AddAlpacaMonitoring(this IServiceCollection services, MonitoringSettings settings, WatchedPipelines watched, bool isServer)
    {
        services.AddMetrics();
        services.AddSingleton<AlpacaMetrics>();
        services.AddSingleton<IRunObserver, RunTelemetry>();
        var telemetry = services.AddOpenTelemetry();
        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter(Meters);
            if (isServer) metrics.AddPrometheusExporter();
            if (settings.OtlpEndpoint is { } endpoint) metrics.AddOtlpExporter(otlp => otlp.Endpoint = endpoint);
        });
        telemetry.WithTracing(traces =>
        {
            traces.AddSource(AlpacaMetrics.Name, QuartzName);
            if (settings.OtlpEndpoint is { } endpoint) traces.AddOtlpExporter(otlp => otlp.Endpoint = endpoint);
        });

        if (!isServer) return;
        var health = services.AddHealthChecks().AddCheck<ModelHealth>("model").AddCheck<WorkspaceHealth>("workspace");
        health.AddQuartz(quartz =>
        {
            quartz.Name = "schedules";
            foreach (var schedule in watched.Schedules)
            {
                if (schedule.FreshWithin is { } limit) quartz.RequireSuccessWithin(RunQueue.JobOf(schedule.Pipeline), limit, HealthStatus.Unhealthy);
            }
        });
    }
}
