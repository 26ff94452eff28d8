using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;
using Quartz;

namespace Alpaca.Host;

/// <summary>What the service has to watch for: the schedules and drop folders of all pipelines.</summary>
internal sealed class WatchedPipelines
{
    private readonly AlpacaSettings _settings;
    private readonly TimeProvider _time;
    private readonly ConfigurationCheck _check;

    /// <summary>Reads the pipelines' sections; what is wrong with them is kept for <see cref="Check"/>.</summary>
    public WatchedPipelines(AlpacaSettings settings, TimeProvider time)
    {
        (_settings, _time, _check) = (settings, time, new ConfigurationCheck(settings));
        foreach (var pipeline in settings.Pipelines)
        {
            var errors = new List<string>();
            _check.Try(() =>
            {
                if (PipelineSchedule.Read(settings, pipeline, time, errors) is { } schedule) Schedules.Add(schedule);
            });
            errors.ForEach(_check.Add);
            _check.Try(() =>
            {
                if (DropFolder.Of(settings, pipeline) is { } folder) Drops.Add((pipeline.Name, folder));
            });
        }

        foreach (var shared in Drops.GroupBy(d => d.Folder.Path).Where(g => g.Count() > 1))
            _check.Add($"The pipelines {string.Join(", ", shared.Select(d => d.Pipeline))} have the same Drops:Folder, {shared.Key}; give each its own.");
    }

    public List<PipelineSchedule> Schedules { get; } = [];

    public List<(string Pipeline, DropFolder Folder)> Drops { get; } = [];

    /// <summary>Checks every pipeline as a whole, and makes the drop folders when all is well.</summary>
    /// <exception cref="AlpacaUsageException">Something is wrong; one line for each problem.</exception>
    public void Check(PipelineValidator validator, IPluginCatalog catalog)
    {
        foreach (var pipeline in _settings.Pipelines) _check.Check(pipeline, validator, catalog);
        _check.Try(() => InferenceSettings.Read(_settings));
        _check.ThrowIfAny();
        foreach (var (_, folder) in Drops) folder.Create();
    }

    public void Announce(ILogger log)
    {
        log.Serving(_settings.Pipelines.Count, _settings.ConfigurationFile ?? "defaults", _settings.WorkspaceFolder);
        if (Schedules.Count == 0 && Drops.Count == 0) log.NothingToServe();
        foreach (var schedule in Schedules)
        {
            var next = new CronExpression(schedule.Cron, schedule.TimeZone).GetNextValidTimeAfter(_time.GetUtcNow());
            log.Scheduled(schedule.Pipeline, schedule.Cron, schedule.TimeZone.Id, next);
        }
    }
}
