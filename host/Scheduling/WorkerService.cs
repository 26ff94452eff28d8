using System.Net.Sockets;
using Alpaca.Abstractions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Alpaca.Host;

/// <summary>The worker service: schedules and drops start pipelines, and the model answers over HTTP, until a stop signal comes.</summary>
internal static class WorkerService
{
    private const string Name = "alpaca";

    // What else there is to stop, after the stages. The service manager's own limit is longer (deploy/alpaca.service).
    private static readonly TimeSpan ShutdownAfterStages = TimeSpan.FromSeconds(30);

    /// <summary>Runs until it is stopped, by a signal, the service manager, or the token.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="verbose">Whether more is logged.</param>
    /// <param name="urls">Where the server listens instead of <c>Serving:Urls</c>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="AlpacaUsageException">The configuration cannot be served; nothing was started.</exception>
    public static async Task RunAsync(AlpacaSettings settings, bool verbose, string? urls = null, CancellationToken cancellationToken = default)
    {
        TorchLibrary.Use(settings);
        var watched = new WatchedPipelines(settings, TimeProvider.System);
        var serving = watched.ReadServing(urls);
        var isolation = watched.ReadIsolation();
        using var host = Build(settings, serving, isolation, watched, verbose);
        watched.Check(host.Services.GetRequiredService<PipelineValidator>(), host.Services.GetRequiredService<IPluginCatalog>());
        Directory.CreateDirectory(settings.WorkspaceFolder);
        if (watched.Scheduler.Store == SchedulerStore.Sqlite) SqliteFile.RequireWhole(SchedulerRegistration.FileOf(settings));
        host.Services.GetRequiredService<RunDatabase>().Check();
        watched.Announce(host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Alpaca.Host.WorkerService"));
        try
        {
            await host.RunAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException or SocketException)
        {
            throw new AlpacaException($"The server cannot listen at {string.Join(" and ", serving.Urls)}: {e.Message} Choose another address with --urls or Serving:Urls.", e);
        }
    }

    private static IHost Build(AlpacaSettings settings, ServingSettings serving, IsolationSettings isolation, WatchedPipelines watched, bool verbose)
    {
        if (!serving.Enabled)
        {
            var worker = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = Name });
            worker.Services.AddAlpacaEngine(settings);
            AddServices(worker, settings, isolation, watched, verbose, isServer: false);
            return worker.Build();
        }

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = Name });
        AddServices(builder, settings, isolation, watched, verbose, isServer: true);
        builder.Services.AddAlpacaInference(settings);
        ApiServer.Add(builder, serving, InferenceSettings.Read(settings).Options.MaxConcurrency);
        ManagementServer.Add(builder.Services);
        var app = builder.Build();
        ApiServer.Map(app, serving);
        ManagementServer.Map(app);
        return app;
    }

    private static void AddServices(IHostApplicationBuilder builder, AlpacaSettings settings, IsolationSettings isolation, WatchedPipelines watched, bool verbose, bool isServer)
    {
        builder.Logging.AddConfiguration(settings.Configuration.GetSection("Logging"));
        builder.Logging.AddFilter("Quartz.Core.JobRunShell", LogLevel.None); // PipelineRunner has said why a run failed
        var isJson = settings.Configuration["Logging:Console:FormatterName"] is ConsoleFormatterNames.Json;
        if (isJson) builder.Logging.AddJsonConsole(console => (console.UseUtcTimestamp, console.TimestampFormat) = (true, "O"));
        else builder.Logging.AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat) = (true, "yyyy-MM-dd HH:mm:ss "));
        if (watched.ReadFileLog() is { } files) builder.Logging.AddFile(files);
        if (verbose) builder.Logging.SetMinimumLevel(LogLevel.Debug);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddServiceManagers(isJson); // first: what starts first stops last
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = isolation.StopTime + ShutdownAfterStages);

        builder.Services.AddSingleton(isolation);
        if (isolation.Enabled) builder.Services.AddSingleton<IStageExecutor, ChildProcessStageExecutor>();
        var notifications = watched.ReadNotifications();
        builder.Services.AddAlpacaNotifications(settings, () => notifications);
        builder.Services.AddHostedService(provider => provider.GetRequiredService<NotificationService>()); // stopped after the scheduler, which is next
        builder.Services.AddAlpacaScheduler(settings, watched);
        builder.Services.AddAlpacaMonitoring(watched.ReadMonitoring(), watched, isServer);
        foreach (var (pipeline, folder) in watched.Drops)
            builder.Services.AddSingleton<IHostedService>(services => ActivatorUtilities.CreateInstance<DropWatcher>(services, pipeline, folder));
    }
}
