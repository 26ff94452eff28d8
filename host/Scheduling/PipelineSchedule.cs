using Quartz;

namespace Alpaca.Host;

/// <summary>A pipeline's section <c>Schedule</c>.</summary>
/// <param name="Pipeline">The pipeline's name.</param>
/// <param name="Cron">When it runs.</param>
/// <param name="TimeZone">The time zone in which that is meant.</param>
internal sealed record PipelineSchedule(string Pipeline, string Cron, TimeZoneInfo TimeZone)
{
    /// <summary>Reads the section.</summary>
    /// <returns><see langword="null"/> where there is no schedule, or where it cannot be used.</returns>
    public static PipelineSchedule? Read(AlpacaSettings settings, PipelineDefinition pipeline, TimeProvider time, ICollection<string> errors)
    {
        var key = $"{pipeline.Key}:Schedule";
        var section = settings.Configuration.GetSection(key);
        if (!section.GetChildren().Any()) return null;
        if (section["Cron"] is not { Length: > 0 } cron)
        {
            errors.Add($"{key}:Cron is missing: a Quartz cron expression, seconds first, for example '0 0 3 * * ?' for 3:00 each day.");
            return null;
        }

        var zone = time.LocalTimeZone;
        if (section["TimeZone"] is { Length: > 0 } name && !TimeZoneInfo.TryFindSystemTimeZoneById(name, out zone!))
            errors.Add($"{key}:TimeZone is '{name}', which this system does not know; an example is Asia/Shanghai.");
        if (!CronExpression.TryParse(cron, out var expression))
            errors.Add($"{key}:Cron is '{cron}', which is no Quartz cron expression; an example is '0 0 3 * * ?' (seconds first) for 3:00 each day.");
        else if (expression.GetNextValidTimeAfter(time.GetUtcNow()) is null)
            errors.Add($"{key}:Cron is '{cron}', which never comes again; correct it, or remove it.");
        return new PipelineSchedule(pipeline.Name, cron, zone);
    }

    /// <summary>Adds the job and its trigger to a scheduler.</summary>
    public void AddTo(IQuartzBuilder quartz)
    {
        var key = new JobKey(Pipeline);
        quartz.AddJob<PipelineJob>(job => job.WithIdentity(key).UsingJobData(PipelineJob.PipelineKey, Pipeline).StoreDurably());
        quartz.AddTrigger<PipelineJob>(trigger => trigger
            .ForJob(key).WithIdentity(Pipeline)
            .WithCronSchedule(Cron, schedule => schedule.InTimeZone(TimeZone)));
    }
}
