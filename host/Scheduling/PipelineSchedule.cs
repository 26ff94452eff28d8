using System.Globalization;
using Quartz;

namespace Alpaca.Host;

/// <summary>What becomes of scheduled times that passed while the service was down.</summary>
internal enum MisfirePolicy
{
    /// <summary>The pipeline runs once for all of them, as soon as the service is there again.</summary>
    RunOnce,

    /// <summary>They are left out.</summary>
    Skip,
}

/// <summary>A pipeline's section <c>Schedule</c>.</summary>
/// <param name="Pipeline">The pipeline's name.</param>
/// <param name="Cron">When it runs; <see langword="null"/> for no time of the clock.</param>
/// <param name="TimeZone">The time zone in which that is meant. The default is the machine's.</param>
/// <param name="Misfire">What becomes of times that passed while the service was down. The default is <see cref="MisfirePolicy.RunOnce"/>; it needs a store that outlives the service.</param>
/// <param name="RunAtStartup">Whether it also runs whenever the service starts. The default is <see langword="false"/>.</param>
/// <param name="MinNewSamples">How many samples have to have been accepted since its last success for a scheduled time to count. The default is 0: it always does.</param>
/// <param name="FreshWithin">How long after its last success the pipeline counts as healthy; <see langword="null"/> for ever. The default is the time between two scheduled times and two hours more, so 26 h for once a day; none where runs wait for new samples.</param>
internal sealed record PipelineSchedule(string Pipeline, string? Cron, TimeZoneInfo TimeZone, MisfirePolicy Misfire, bool RunAtStartup, int MinNewSamples, TimeSpan? FreshWithin)
{
    private static readonly TimeSpan Grace = TimeSpan.FromHours(2);

    /// <summary>Reads the section.</summary>
    /// <returns><see langword="null"/> where there is no schedule, or where it cannot be used.</returns>
    public static PipelineSchedule? Read(AlpacaSettings settings, PipelineDefinition pipeline, TimeProvider time, ICollection<string> errors)
    {
        var key = $"{pipeline.Key}:Schedule";
        var section = settings.Configuration.GetSection(key);
        if (!section.GetChildren().Any()) return null;

        var (zone, misfire, atStartup, minNewSamples) = (time.LocalTimeZone, MisfirePolicy.RunOnce, false, 0);
        if (section["TimeZone"] is { Length: > 0 } name && !TimeZoneInfo.TryFindSystemTimeZoneById(name, out zone!))
            errors.Add($"{key}:TimeZone is '{name}', which this system does not know; an example is Asia/Shanghai.");
        if (section["Misfire"] is { Length: > 0 } policy && !EnumText.TryParse(policy, out misfire))
            errors.Add($"{key}:Misfire is '{policy}'; it must be {EnumText.Names<MisfirePolicy>()}.");
        if (section["RunAtStartup"] is { Length: > 0 } flag && !bool.TryParse(flag, out atStartup))
            errors.Add($"{key}:RunAtStartup is '{flag}'; it must be true or false.");
        if (section["MinNewSamples"] is { Length: > 0 } samples && !int.TryParse(samples, NumberStyles.None, CultureInfo.InvariantCulture, out minNewSamples))
            errors.Add($"{key}:MinNewSamples is '{samples}'; it must be a whole number from 0.");
        else if (minNewSamples > 0 && !settings.Configuration.GetSection($"{pipeline.Key}:Drops").GetChildren().Any())
            errors.Add($"{key}:MinNewSamples counts dropped samples, but {pipeline.Key}:Drops is missing; add it or remove MinNewSamples.");

        var cron = section["Cron"] is { Length: > 0 } text ? text : null;
        if (cron is null && !atStartup)
        {
            errors.Add($"{key}:Cron is missing: a Quartz cron expression, seconds first, for example '0 0 3 * * ?' for 3:00 each day.");
            return null;
        }

        var expression = cron is not null && CronExpression.TryParse(cron, out _) ? new CronExpression(cron, zone ?? TimeZoneInfo.Utc) : null;
        if (cron is not null && expression is null)
            errors.Add($"{key}:Cron is '{cron}', which is no Quartz cron expression; an example is '0 0 3 * * ?' (seconds first) for 3:00 each day.");
        else if (expression is not null && expression.GetNextValidTimeAfter(time.GetUtcNow()) is null)
            errors.Add($"{key}:Cron is '{cron}', which never comes again; correct it, or remove it.");
        return new PipelineSchedule(pipeline.Name, cron, zone ?? TimeZoneInfo.Utc, misfire, atStartup, minNewSamples, FreshWithinOf(section["FreshWithinHours"]));

        TimeSpan? FreshWithinOf(string? text)
        {
            if (text is { Length: > 0 })
            {
                if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var hours) && hours is > 0 and <= 24 * 366) return TimeSpan.FromHours(hours);
                errors.Add($"{key}:FreshWithinHours is '{text}'; it must be a number above 0, at most {24 * 366}.");
                return null;
            }

            if (minNewSamples > 0 || expression is null) return null;
            return expression.GetNextValidTimeAfter(time.GetUtcNow()) is { } first && expression.GetNextValidTimeAfter(first) is { } second ? second - first + Grace : null;
        }
    }
}
