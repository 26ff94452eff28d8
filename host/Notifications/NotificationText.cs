using System.Globalization;

namespace Alpaca.Host;

/// <summary>A notification in lines for people in a chat. Each begins with <c>Alpaca</c>, so that a robot that wants a keyword has one.</summary>
internal static class NotificationText
{
    /// <summary>The text: what has happened, why, and the figures of the verdict.</summary>
    public static string Of(Notification notification)
    {
        List<string> lines = [Headline(notification), .. Details(notification)];
        if (notification is { Champion: { } champion, Event: not (NotificationEvent.Promoted or NotificationEvent.RolledBack) }) lines.Add(string.Create(CultureInfo.InvariantCulture, $"champion: version {champion}"));
        lines.Add($"machine: {notification.Machine}");
        return string.Join('\n', lines);
    }

    private static IEnumerable<string> Details(Notification notification)
    {
        var verdict = notification.Verdict is null ? [] : VerdictLines.Describe(notification.Verdict).Select(line => line.TrimStart());
        return notification switch
        {
            { Outcome: RunOutcome.Succeeded } => verdict,
            { Event: NotificationEvent.Rejected or NotificationEvent.Promoted } => [notification.Reason!, .. verdict.Skip(1)], // the headline has said the first
            { Reason: { } reason } => [reason],
            _ => [],
        };
    }

    private static string Headline(Notification notification)
    {
        var what = notification.Event switch
        {
            NotificationEvent.Succeeded => $"{Run(notification)} succeeded",
            NotificationEvent.Failed when notification.Run is null => "a run could not be started",
            NotificationEvent.Failed => $"{Run(notification)} failed",
            NotificationEvent.Rejected => $"{Version(notification)} is rejected",
            NotificationEvent.Promoted => $"{Version(notification)} is the champion now",
            _ => $"rolled back, {Version(notification)} is the champion again",
        };
        return $"Alpaca {notification.Pipeline}: {what}{Circumstances(notification)}";
    }

    private static string Run(Notification notification) => string.Create(CultureInfo.InvariantCulture, $"run {notification.Run}");

    private static string Version(Notification notification) => string.Create(CultureInfo.InvariantCulture, $"version {notification.Version}");

    private static string Circumstances(Notification notification)
    {
        if (notification.Outcome is null) return $" ({Run(notification)})";
        var time = notification.StartedAt is { } started ? $", {Amounts.Duration(notification.EndedAt - started)}" : "";
        return $" ({notification.Trigger}{time})";
    }
}
