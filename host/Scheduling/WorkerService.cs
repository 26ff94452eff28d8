using Alpaca.Abstractions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Quartz;

namespace Alpaca.Host;

/// <summary>The worker service: schedules and drops start pipelines until a stop signal comes.</summary>
internal static class WorkerService
{
    // A stage checkpoints within seconds; the service manager's own limit is longer (deploy/alpaca.service).
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(90);

    /// <summary>Runs until it is stopped, by a signal, the service manager, or the token.</summary>
    /// <exception cref="AlpacaUsageException">The configuration cannot be served; nothing was started.</exception>
    public static async Task RunAsync(AlpacaSettings settings, bool verbose, CancellationToken cancellationToken = default)
    {
        TorchLibrary.Use(settings);
        var watched = new WatchedPipelines(settings, TimeProvider.System);
        using var host = Build(settings, watched, verbose);
        watched.Check(host.Services.GetRequiredService<PipelineValidator>(), host.Services.GetRequiredService<IPluginCatalog>());
        watched.Announce(host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Alpaca.Host.WorkerService"));
        await host.RunAsync(cancellationToken);
    }

    private static IHost Build(AlpacaSettings settings, WatchedPipelines watched, bool verbose)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "alpaca" });
        builder.Logging.AddConfiguration(settings.Configuration.GetSection("Logging"));
        builder.Logging.AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat) = (true, "yyyy-MM-dd HH:mm:ss "));
        if (verbose) builder.Logging.SetMinimumLevel(LogLevel.Debug);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddSystemd();
        builder.Services.AddWindowsService(service => service.ServiceName = "Alpaca");
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);

        builder.Services.AddAlpacaEngine(settings);
        builder.Services.AddSingleton<ModelLoader>();
        builder.Services.AddSingleton(CreateDispatcher);
        builder.Services.AddQuartz(quartz => watched.Schedules.ForEach(schedule => schedule.AddTo(quartz)));
        builder.Services.AddQuartzHostedService(quartz => quartz.WaitForJobsToComplete = true);
        foreach (var (pipeline, folder) in watched.Drops)
            builder.Services.AddSingleton<IHostedService>(services => ActivatorUtilities.CreateInstance<DropWatcher>(services, pipeline, folder));
        return builder.Build();
    }

    private static PipelineDispatcher CreateDispatcher(IServiceProvider services)
    {
        var runner = services.GetRequiredService<PipelineRunner>();
        var log = services.GetRequiredService<ILogger<PipelineDispatcher>>();
        var progress = new LineProgress(log.RunProgress, services.GetRequiredService<TimeProvider>());
        var stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        return new PipelineDispatcher(services.GetRequiredService<AlpacaSettings>(), RunAsync, log);

        async Task<RunRecord> RunAsync(PipelineDefinition pipeline, RunOptions options, CancellationToken cancellationToken)
        {
            // Cancelled at the first sign of a stop, so that all the time there is goes to the checkpoint.
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
            return await Task.Run(() => runner.RunAsync(pipeline, options with { StageChanged = LogEnd }, progress, either.Token), CancellationToken.None);
        }

        // The runner logs a stage's start by itself.
        void LogEnd(StageRecord stage)
        {
            if (stage.Outcome != StageOutcome.Running && StageLines.Describe(stage) is { } line) log.RunProgress(line);
        }
    }
}
