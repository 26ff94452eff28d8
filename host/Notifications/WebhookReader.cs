using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Alpaca.Host;

/// <summary>Reads the section of one webhook.</summary>
/// <param name="section">The section.</param>
/// <param name="settings">The configuration it belongs to.</param>
/// <param name="errors">Gets what is wrong with it.</param>
internal sealed class WebhookReader(IConfigurationSection section, AlpacaSettings settings, List<string> errors)
{
    private const int MostAttempts = 20, MostSeconds = 300;

    /// <summary>The webhook; <see langword="null"/> where there is no address to use, which is an error.</summary>
    public Webhook? Read()
    {
        var (url, secret, format) = (Address(), section["Secret"] is { Length: > 0 } text ? text : null, FormatOf());
        var (events, pipelines) = (EventsOf(), PipelinesOf());
        var (attempts, seconds) = (Number("MaxAttempts", 5, MostAttempts), Number("TimeoutSeconds", 10, MostSeconds));
        if (secret is not null && format == WebhookFormat.WeCom) errors.Add($"{section.Path}:Secret is set, but WeCom checks no signature (its address is the secret); remove it.");
        if (url is null) return null;
        return new Webhook { Name = section.Key, Url = url, Format = format, Events = events, Pipelines = pipelines, Secret = secret, MaxAttempts = attempts, Timeout = TimeSpan.FromSeconds(seconds) };
    }

    private Uri? Address()
    {
        if (section["Url"]?.Trim() is not { Length: > 0 } text)
        {
            errors.Add($"{section.Path}:Url is missing; set it, for example by the environment variable {AlpacaSettings.EnvironmentPrefix}{section.Path.Replace(":", "__", StringComparison.Ordinal)}__Url.");
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) && url.UserInfo.Length == 0) return url;
        errors.Add($"{section.Path}:Url must be an absolute address that begins with http:// or https:// and names no user; it is not shown here because it holds a secret.");
        return null;
    }

    private WebhookFormat FormatOf()
    {
        if (section["Format"] is not { Length: > 0 } text) return WebhookFormat.Json;
        if (!EnumText.TryParse(text, out WebhookFormat format)) errors.Add($"{section.Path}:Format is '{text}'; it must be {EnumText.Names<WebhookFormat>()}.");
        return format;
    }

    private IReadOnlyList<NotificationEvent> EventsOf()
    {
        var events = new List<NotificationEvent>();
        foreach (var text in OptionList.Read(section.GetSection("Events")))
        {
            if (EnumText.TryParse(text, out NotificationEvent what)) events.Add(what);
            else errors.Add($"{section.Path}:Events has '{text}'; it must be {EnumText.Names<NotificationEvent>()}{NearestName.Suggest(text, Enum.GetNames<NotificationEvent>())}");
        }

        return events.Count > 0 ? events : Webhook.DefaultEvents;
    }

    private IReadOnlyList<string> PipelinesOf()
    {
        var (pipelines, known) = (OptionList.Read(section.GetSection("Pipelines")), settings.Pipelines.Select(pipeline => pipeline.Name).ToList());
        foreach (var name in pipelines.Where(name => !known.Contains(name)))
            errors.Add($"{section.Path}:Pipelines has '{name}', which is not under Pipelines (there is {string.Join(", ", known)}){NearestName.Suggest(name, known)}");
        return pipelines;
    }

    private int Number(string key, int otherwise, int most)
    {
        if (section[key] is not { Length: > 0 } text) return otherwise;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most) return number;
        errors.Add($"{section.Path}:{key} is '{text}'; it must be a whole number from 1 to {most}.");
        return otherwise;
    }
}
