using Microsoft.Extensions.Configuration;

namespace Alpaca.Host;

/// <summary>Reads the section of one webhook.</summary>
/// <param name="section">The section.</param>
/// <param name="settings">The configuration it belongs to.</param>
/// <param name="errors">Gets what is wrong with it.</param>
internal sealed class WebhookReader(IConfigurationSection section, AlpacaSettings settings, List<string> errors)
{
    private const int MostAttempts = 20, MostSeconds = 300;
    private readonly SectionReader _values = new(section, errors);

    /// <summary>The webhook; <see langword="null"/> where there is no address to use, which is an error.</summary>
    public Webhook? Read()
    {
        var (url, secret, format) = (Address(), _values.Text("Secret"), _values.Choice("Format", WebhookFormat.Json));
        var (events, pipelines) = (EventsOf(), PipelinesOf());
        var (attempts, seconds) = (_values.Whole("MaxAttempts", 5, 1, MostAttempts), _values.Whole("TimeoutSeconds", 10, 1, MostSeconds));
        if (secret is not null && format == WebhookFormat.WeCom) _values.Report("Secret", "is set, but WeCom checks no signature (its address is the secret); remove it.");
        if (url is null) return null;
        return new Webhook { Name = section.Key, Url = url, Format = format, Events = events, Pipelines = pipelines, Secret = secret, MaxAttempts = attempts, Timeout = TimeSpan.FromSeconds(seconds) };
    }

    private Uri? Address()
    {
        if (_values.Text("Url")?.Trim() is not { Length: > 0 } text)
        {
            _values.Report("Url", $"is missing; set it, for example by the environment variable {AlpacaSettings.EnvironmentPrefix}{_values.KeyOf("Url").Replace(":", "__", StringComparison.Ordinal)}.");
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) && url.UserInfo.Length == 0) return url;
        _values.Report("Url", "must be an absolute address that begins with http:// or https:// and names no user; it is not shown here because it holds a secret.");
        return null;
    }

    private IReadOnlyList<NotificationEvent> EventsOf()
    {
        var events = new List<NotificationEvent>();
        foreach (var text in _values.Texts("Events"))
        {
            if (EnumText.TryParse(text, out NotificationEvent what)) events.Add(what);
            else _values.Report("Events", $"has '{text}'; it must be {EnumText.Names<NotificationEvent>()}{NearestName.Suggest(text, Enum.GetNames<NotificationEvent>())}");
        }

        return events.Count > 0 ? events : Webhook.DefaultEvents;
    }

    private IReadOnlyList<string> PipelinesOf()
    {
        var (pipelines, known) = (_values.Texts("Pipelines"), settings.Pipelines.Select(pipeline => pipeline.Name).ToList());
        foreach (var name in pipelines.Where(name => !known.Contains(name)))
            _values.Report("Pipelines", $"has '{name}', which is not under Pipelines (there is {string.Join(", ", known)}){NearestName.Suggest(name, known)}");
        return pipelines;
    }
}
