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
    private const int LongestFreshHours = 24 * 366;

    /// <summary>Reads the section.</summary>
    /// <returns><see langword="null"/> where there is no schedule, or where it cannot be used.</returns>
    public static PipelineSchedule? Read(AlpacaSettings settings, PipelineDefinition pipeline, TimeProvider time, ICollection<string> errors)
    {
        var section = new SectionReader(settings.Configuration.GetSection($"{pipeline.Key}:Schedule"), errors);
        if (!section.Exists) return null;

        var zone = time.LocalTimeZone;
        if (section.Text("TimeZone") is { } name && !TimeZoneInfo.TryFindSystemTimeZoneById(name, out zone!))
            section.Report("TimeZone", $"is '{name}', which this system does not know; an example is Asia/Shanghai.");
        var misfire = section.Choice("Misfire", MisfirePolicy.RunOnce);
        var atStartup = section.Flag("RunAtStartup", false);
        var minNewSamples = section.Whole("MinNewSamples", 0, 0);
        if (minNewSamples > 0 && !settings.Configuration.GetSection($"{pipeline.Key}:Drops").GetChildren().Any())
            section.Report("MinNewSamples", $"counts dropped samples, but {pipeline.Key}:Drops is missing; add it or remove MinNewSamples.");

        var cron = section.Text("Cron");
        if (cron is null && !atStartup)
        {
            section.Report("Cron", "is missing: a Quartz cron expression, seconds first, for example '0 0 3 * * ?' for 3:00 each day.");
            return null;
        }

        var expression = cron is not null && CronExpression.TryParse(cron, out _) ? new CronExpression(cron, zone ?? TimeZoneInfo.Utc) : null;
        if (cron is not null && expression is null)
            section.Report("Cron", $"is '{cron}', which is no Quartz cron expression; an example is '0 0 3 * * ?' (seconds first) for 3:00 each day.");
        else if (expression is not null && expression.GetNextValidTimeAfter(time.GetUtcNow()) is null)
            section.Report("Cron", $"is '{cron}', which never comes again; correct it, or remove it.");
        var freshWithin = section.Text("FreshWithinHours") is null ? UsualFreshness() : section.Value("FreshWithinHours", $"a number above 0, at most {LongestFreshHours}", HoursOf);
        return new PipelineSchedule(pipeline.Name, cron, zone ?? TimeZoneInfo.Utc, misfire, atStartup, minNewSamples, freshWithin);

        TimeSpan? UsualFreshness()
        {
            if (minNewSamples > 0 || expression is null) return null;
            return expression.GetNextValidTimeAfter(time.GetUtcNow()) is { } first && expression.GetNextValidTimeAfter(first) is { } second ? second - first + Grace : null;
        }
    }

    private static TimeSpan? HoursOf(string text)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var hours) && hours is > 0 and <= LongestFreshHours ? TimeSpan.FromHours(hours) : null;
}
