using System.Globalization;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Runs one stage in this process for the service that started it.</summary>
internal static class StageWorker
{
    /// <summary>In the resume folder: held by the worker that writes there, so that none of a restarted service begins while one of its predecessor still writes its checkpoint.</summary>
    public const string LockFile = ".stage-worker.lock";

    // The kernel ends the process with the highest score first; services have 0.
    private const int OutOfMemoryScore = 500;
    private const string OutOfMemoryScoreFile = "/proc/self/oom_score_adj";

    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(100);

    /// <summary>Takes an order, carries it out, and tells what became of it.</summary>
    /// <param name="input">A <see cref="StageOrder"/> in one line; see there for what may follow.</param>
    /// <param name="output">Gets <see cref="WorkerMessage"/>s.</param>
    /// <param name="interrupted">Ctrl+C or SIGTERM.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(TextReader input, WorkerOutput output, CancellationToken interrupted)
    {
        if (await input.ReadLineAsync(interrupted) is not { } line) throw WorkerJson.NoOrder(null);
        var order = WorkerJson.ReadOrder(line);
        RaiseOutOfMemoryScore();
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        ParentWatch.Start(input, TimeSpan.FromSeconds(order.OrphanSeconds), cancelled);

        var configuration = new ConfigurationBuilder().AddInMemoryCollection(order.Configuration.Select(c => KeyValuePair.Create(c.Key, (string?)c.Value))).Build();
        using var loggers = LoggerFactory.Create(logging => logging
            .SetMinimumLevel(order.LogLevel).AddConfiguration(configuration.GetSection("Logging")).AddProvider(new WorkerLog(output.Write)));
        try
        {
            TorchLibrary.Use(order.TorchLibraryPath);
            using var catalog = new PluginCatalog(order.PluginFolders, order.DisabledPlugins, configuration, loggers, TimeProvider.System, order.PluginDigests);
            using var progress = new WorkerProgress(output.Write, TimeProvider.System);
            using var alone = await LockAsync(order.ResumeFolder, progress, cancelled.Token);
            output.Write(await ExecuteAsync(order, catalog, progress, loggers, cancelled.Token));
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            output.Write(new StageCancelled());
            return ExitCodes.Cancelled;
        }
        catch (Exception e)
        {
            output.Write(StageFault.ToMessage(e));
            return ExitCodes.Failure;
        }
    }

    /// <summary>The category of a stage's own log.</summary>
    public static string LogCategory(string stage) => $"Alpaca.Stage.{stage}";

    private static async Task<StageMade> ExecuteAsync(StageOrder order, IPluginCatalog catalog, WorkerProgress progress, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var stage = catalog.GetStage(order.Stage);
        var context = new StageContext
        {
            OutputFolder = order.OutputFolder,
            ResumeFolder = order.ResumeFolder,
            CacheFolder = order.CacheFolder,
            Progress = progress,
            Logger = loggers.CreateLogger(LogCategory(order.Stage)),
            Backends = catalog.Backends,
        };
        var artifact = ArtifactData.Of(await stage.ExecuteAsync(RequestJson.Read(stage.RequestType, order.Request), context, cancellationToken));
        return new StageMade(artifact.Properties, new Dictionary<string, double>(artifact.Metrics));
    }

    private static async Task<FileStream> LockAsync(string resumeFolder, WorkerProgress progress, CancellationToken cancellationToken)
    {
        var file = Path.Combine(resumeFolder, LockFile);
        if (WorkspaceLock.TryOpenAlone(file) is { } free) return free;
        using var waiting = progress.Start("waiting for the end of an earlier attempt", null, ProgressUnit.Items);
        while (true)
        {
            await Task.Delay(LockPoll, cancellationToken);
            if (WorkspaceLock.TryOpenAlone(file) is { } released) return released;
        }
    }

    private static void RaiseOutOfMemoryScore()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            var score = int.Parse(File.ReadAllText(OutOfMemoryScoreFile), CultureInfo.InvariantCulture);
            if (score < OutOfMemoryScore) File.WriteAllText(OutOfMemoryScoreFile, OutOfMemoryScore.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // A sandbox without /proc: the kernel then chooses by size, which points at the worker as well.
        }
    }
}
