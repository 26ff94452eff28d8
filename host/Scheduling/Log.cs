using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What the service logs by itself; ids from 200.</summary>
internal static partial class Log
{
    [LoggerMessage(200, LogLevel.Information, "Serving {Pipelines} pipelines from {Configuration}, workspace {Workspace}")]
    public static partial void Serving(this ILogger log, int pipelines, string configuration, string workspace);

    [LoggerMessage(201, LogLevel.Information, "Pipeline {Pipeline} is scheduled at {Cron} ({TimeZone}), next at {Next:yyyy-MM-dd HH:mm:ss zzz}")]
    public static partial void Scheduled(this ILogger log, string pipeline, string cron, string timeZone, DateTimeOffset? next);

    [LoggerMessage(202, LogLevel.Warning, "Nothing to do: no pipeline has a Schedule or Drops")]
    public static partial void NothingToServe(this ILogger log);

    [LoggerMessage(203, LogLevel.Information, "A scheduled time of pipeline {Pipeline} is left out: {Reason}")]
    public static partial void ScheduleSkipped(this ILogger log, string pipeline, string reason);

    [LoggerMessage(204, LogLevel.Error, "Pipeline {Pipeline} was not run: {Reason}")]
    public static partial void RunNotStarted(this ILogger log, string pipeline, string reason);

    [LoggerMessage(205, LogLevel.Information, "{Line}")]
    public static partial void RunProgress(this ILogger log, string line);

    [LoggerMessage(206, LogLevel.Warning, "Pipeline {Pipeline} failed for a reason that may pass; it is tried again ({Attempt} of {Retries})")]
    public static partial void RunIsRetried(this ILogger log, string pipeline, int attempt, int retries);

    [LoggerMessage(210, LogLevel.Information, "Files dropped in {Folder} start pipeline {Pipeline}")]
    public static partial void DropsWatched(this ILogger log, string folder, string pipeline);

    [LoggerMessage(211, LogLevel.Information, "Accepted {File}, {Samples} samples")]
    public static partial void DropAccepted(this ILogger log, string file, int samples);

    [LoggerMessage(212, LogLevel.Warning, "Rejected {File}: {Reason}")]
    public static partial void DropRejected(this ILogger log, string file, string reason);

    [LoggerMessage(213, LogLevel.Information, "{File} is good and waits for the run to end")]
    public static partial void DropWaits(this ILogger log, string file);

    [LoggerMessage(214, LogLevel.Warning, "{File} stays where it is and is tried again: {Reason}")]
    public static partial void DropStays(this ILogger log, string file, string reason);

    [LoggerMessage(215, LogLevel.Error, "The drop folder {Folder} cannot be used, which is tried again: {Reason}")]
    public static partial void DropFolderProblem(this ILogger log, string folder, string reason);

    [LoggerMessage(216, LogLevel.Warning, "{Folder} gives no notifications ({Reason}); it is looked at every few seconds all the same")]
    public static partial void NoNotifications(this ILogger log, string folder, string reason);

    [LoggerMessage(217, LogLevel.Information, "{Found} of the {Wanted} new samples that start pipeline {Pipeline} are there")]
    public static partial void DropsGather(this ILogger log, int found, int wanted, string pipeline);

    [LoggerMessage(218, LogLevel.Warning, "{File} and {Others} other drops stay where they are and are tried again: {Reason}")]
    public static partial void DropsStay(this ILogger log, string file, int others, string reason);

    [LoggerMessage(219, LogLevel.Information, "The drop folder {Folder} can be used again")]
    public static partial void DropFolderIsBack(this ILogger log, string folder);
}
