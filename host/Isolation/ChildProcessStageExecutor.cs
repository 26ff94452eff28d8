using System.Globalization;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Runs each stage in a process of its own, of the same executable: whatever ends that process, this one goes on.</summary>
/// <param name="settings">The configuration, which is handed on to the process as it is.</param>
/// <param name="isolation">Its section <c>Isolation</c>.</param>
/// <param name="time">The clock.</param>
/// <param name="loggers">Get what the stages log.</param>
internal sealed class ChildProcessStageExecutor(AlpacaSettings settings, IsolationSettings isolation, TimeProvider time, ILoggerFactory loggers) : IStageExecutor
{
    // A restarted service waits for it, so never long.
    private static readonly TimeSpan LongestOrphanTime = TimeSpan.FromSeconds(30);

    // A signal to a whole process group reaches worker and service at about the same time.
    private static readonly TimeSpan SignalTime = TimeSpan.FromSeconds(2);

    private readonly ILogger _log = loggers.CreateLogger<ChildProcessStageExecutor>();

    /// <inheritdoc />
    public async Task<ArtifactData> ExecuteAsync(PluginStage stage, object request, StageContext context, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var order = CreateOrder(stage, request, context);
        using var relay = new WorkerRelay(stage.Name, context, loggers);
        using var process = StageProcess.Start(stage.Name, isolation, time, _log);
        try
        {
            await process.RunAsync(order, relay, cancellationToken).ConfigureAwait(false);
            return await ConcludeAsync(stage.Name, process, relay, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(Path.Combine(context.ResumeFolder, StageWorker.LockFile));
        }
    }

    private StageOrder CreateOrder(PluginStage stage, object request, StageContext context) => new()
    {
        Stage = stage.Name,
        Request = RequestJson.Write(request),
        OutputFolder = context.OutputFolder,
        ResumeFolder = context.ResumeFolder,
        CacheFolder = context.CacheFolder,
        PluginFolders = settings.PluginFolders,
        DisabledPlugins = settings.DisabledPlugins,
        PluginDigests = settings.PluginDigests,
        TorchLibraryPath = settings.TorchLibraryPath,
        Configuration = SecretKeys.Without(settings.Configuration).Where(c => c.Value is not null).ToDictionary(c => c.Key, c => c.Value!),
        LogLevel = Enum.GetValues<LogLevel>().First(level => level == LogLevel.None || context.Logger.IsEnabled(level)),
        OrphanSeconds = Math.Min(LongestOrphanTime.TotalSeconds, isolation.StopTime.TotalSeconds),
    };

    private async Task<ArtifactData> ConcludeAsync(string stage, StageProcess process, WorkerRelay relay, CancellationToken cancellationToken)
    {
        var end = relay.End.IsCompleted ? await relay.End.ConfigureAwait(false) : null;
        switch (end)
        {
            case StageMade made:
                if (process.ExitCode != ExitCodes.Success) _log.WorkerEndedBadly(stage, process.ExitCode);
                return new ArtifactData(made.Properties, made.Metrics);
            case StageFaulted fault:
                throw StageFault.ToException(fault);
            case StageCancelled when !cancellationToken.IsCancellationRequested:
                await WaitForSignalAsync(cancellationToken).ConfigureAwait(false);
                throw new AlpacaException($"Stage {stage} was interrupted: somebody stopped its process; run it again.");
        }

        if (process.Stopped == StageProcessStop.Memory)
            throw new AlpacaException($"Stage {stage} was ended because it used {Size(process.MemoryAtStop)} of memory, above Isolation:MemoryLimit ({Size(isolation.MemoryLimit!.Value)}); lower what it holds at a time (for training BatchSize and MaxSeqLength), or raise the limit.");
        var abnormal = AbnormalEnd.Describe(stage, process.ExitCode, process.Words);
        if (!cancellationToken.IsCancellationRequested) throw abnormal;
        if (process.Stopped == StageProcessStop.DidNotStop) _log.WorkerDidNotStop(stage, isolation.StopTime.TotalSeconds);
        else if (end is null) _log.WorkerEndedWhileStopping(abnormal.Message);
        throw new OperationCanceledException(cancellationToken);
    }

    private async Task WaitForSignalAsync(CancellationToken cancellationToken) => await Task.Delay(SignalTime, time, cancellationToken).ConfigureAwait(false);

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.##} GB");
}
