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
        _check.Try(() => Scheduler = SchedulerSettings.Read(settings));
        foreach (var pipeline in settings.Pipelines)
        {
            var errors = new List<string>();
            Policies[pipeline.Name] = RunPolicy.Read(settings, pipeline, errors);
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

    public SchedulerSettings Scheduler { get; private set; } = SchedulerSettings.Default;

    /// <summary>How each pipeline's runs are started.</summary>
    public Dictionary<string, RunPolicy> Policies { get; } = [];

    public List<PipelineSchedule> Schedules { get; } = [];

    public List<(string Pipeline, DropFolder Folder)> Drops { get; } = [];

    /// <summary>A pipeline's drop folder, or <see langword="null"/>.</summary>
    public DropFolder? DropsOf(string pipeline) => Drops.Find(drop => drop.Pipeline == pipeline).Folder;

    /// <summary>When a schedule comes next.</summary>
    public DateTimeOffset? NextOf(PipelineSchedule schedule) => schedule.Cron is { } cron ? new CronExpression(cron, schedule.TimeZone).GetNextValidTimeAfter(_time.GetUtcNow()) : null;

    /// <summary>Why a scheduled time of a pipeline does not count; <see langword="null"/> when it does.</summary>
    public string? WhyNotNow(string pipeline)
    {
        if (Schedules.Find(schedule => schedule.Pipeline == pipeline) is not { } schedule) return "it has no schedule any more";
        if (schedule.MinNewSamples == 0) return null;
        var found = NewSamples.Read(DropsOf(pipeline)!).Count;
        return found >= schedule.MinNewSamples ? null : $"there are {found} new samples, and {schedule.MinNewSamples} are wanted";
    }

    /// <summary>Reads where the models are served; what is wrong with that is kept too, and then nothing is served.</summary>
    public ServingSettings ReadServing(string? urls)
        => Read(ServingSettings.Off, () =>
        {
            InferenceSettings.Read(_settings);
            return ServingSettings.Read(_settings, urls);
        });

    /// <summary>Reads what is said about monitoring; what is wrong with it is kept too.</summary>
    public MonitoringSettings ReadMonitoring() => Read(MonitoringSettings.Default, () => MonitoringSettings.Read(_settings));

    /// <summary>Reads which webhooks are told; what is wrong with that is kept too.</summary>
    public NotificationSettings ReadNotifications() => Read(NotificationSettings.Default, () => NotificationSettings.Read(_settings));

    /// <summary>Reads which file is logged to; what is wrong with that is kept too.</summary>
    public FileLogSettings? ReadFileLog() => Read(null, () => FileLogSettings.Read(_settings));

    /// <summary>Reads how the stages run; what is wrong with that is kept too.</summary>
    public IsolationSettings ReadIsolation() => Read(new IsolationSettings(), () => IsolationSettings.Read(_settings));

    /// <summary>Checks every pipeline as a whole, and makes the drop folders when all is well.</summary>
    /// <exception cref="AlpacaUsageException">Something is wrong; one line for each problem.</exception>
    public void Check(PipelineValidator validator, IPluginCatalog catalog)
    {
        foreach (var pipeline in _settings.Pipelines) _check.Check(pipeline, validator, catalog);
        _check.ThrowIfAny();
        foreach (var (_, folder) in Drops) folder.Create();
    }

    public void Announce(ILogger log)
    {
        log.Serving(_settings.Pipelines.Count, _settings.ConfigurationFile ?? "defaults", _settings.WorkspaceFolder);
        if (Schedules.Count == 0 && Drops.Count == 0) log.NothingToServe();
        foreach (var schedule in Schedules)
        {
            if (schedule.Cron is not null) log.Scheduled(schedule.Pipeline, schedule.Cron, schedule.TimeZone.Id, NextOf(schedule));
        }
    }

    /// <summary>Reads a part of the configuration; where it cannot be used, keeps why.</summary>
    private T Read<T>(T otherwise, Func<T> read)
    {
        var result = otherwise;
        _check.Try(() => result = read());
        return result;
    }
}
