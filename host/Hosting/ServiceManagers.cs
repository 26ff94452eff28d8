using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Quartz;

namespace Alpaca.Host;

/// <summary>How the service and what starts and stops it talk to each other.</summary>
internal static class ServiceManagers
{
    private const string SocketVariable = "NOTIFY_SOCKET";
    private const string JournalVariable = "JOURNAL_STREAM";

    /// <summary>Adds what systemd or Windows' service manager expects, where one of them has started this process.</summary>
    /// <param name="services">The service's container.</param>
    /// <param name="isJson">Whether the console is to have JSON whatever reads it.</param>
    public static void AddServiceManagers(this IServiceCollection services, bool isJson)
    {
        services.AddSystemd();
        // AddSystemd looks for a parent of that name, which ProtectProc= hides and podman or s6 do not have; the socket is what the protocol is about.
        if (IsSet(SocketVariable) && !SystemdHelpers.IsSystemdService())
        {
            services.AddSingleton<ISystemdNotifier, SystemdNotifier>();
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
            if (IsSet(JournalVariable)) services.Configure<ConsoleLoggerOptions>(console => console.FormatterName = ConsoleFormatterNames.Systemd);
        }

        // After the journal's form, which AddSystemd chooses too.
        if (isJson) services.Configure<ConsoleLoggerOptions>(console => console.FormatterName = ConsoleFormatterNames.Json);
        if (services.Any(service => service.ServiceType == typeof(ISystemdNotifier))) AddSystemdSignals(services);
        services.AddWindowsService(service => service.ServiceName = "Alpaca");
    }

    private static bool IsSet(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 };

    private static void AddSystemdSignals(IServiceCollection services)
    {
        services.AddSingleton<IRunObserver, SystemdStatus>();
        if (SystemdWatchdog.ReadInterval(Environment.GetEnvironmentVariable, Environment.ProcessId) is not { } interval) return;
        services.AddHostedService(provider => new SystemdWatchdog(
            interval,
            cancellationToken => IsAliveAsync(provider.GetRequiredService<ISchedulerFactory>(), cancellationToken),
            provider.GetRequiredService<ISystemdNotifier>(),
            provider.GetRequiredService<IHostApplicationLifetime>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SystemdWatchdog>>()));
    }

    private static async ValueTask<bool> IsAliveAsync(ISchedulerFactory schedulers, CancellationToken cancellationToken)
        => (await schedulers.GetScheduler(cancellationToken).ConfigureAwait(false)).Status is not (SchedulerStatus.ShuttingDown or SchedulerStatus.Shutdown);
}
