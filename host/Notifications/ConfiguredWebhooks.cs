using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>The webhooks as the configuration file has them now: an edit holds from the next notification on, and one that cannot be used is logged and leaves them as they were.</summary>
internal sealed class ConfiguredWebhooks
{
    private readonly AlpacaSettings _settings;
    private readonly ILogger _log;
    private IReadOnlyList<Webhook> _webhooks;
    private (DateTime Written, long Length) _stamp;

    /// <param name="settings">The configuration, which can be read again.</param>
    /// <param name="initial">What it says about notifications to begin with.</param>
    /// <param name="log">Told of edits.</param>
    public ConfiguredWebhooks(AlpacaSettings settings, NotificationSettings initial, ILogger<ConfiguredWebhooks> log)
    {
        (_settings, _webhooks, _log) = (settings, initial.Webhooks, log);
        _stamp = Stamp();
    }

    /// <summary>Reads them again if the file has changed. Not safe to call from several threads.</summary>
    public IReadOnlyList<Webhook> Current()
    {
        try
        {
            var stamp = Stamp();
            if (stamp == _stamp) return _webhooks;
            _stamp = stamp;
            _webhooks = NotificationSettings.Read(_settings.Reload()).Webhooks;
            _log.WebhooksRead(_webhooks.Count);
        }
        catch (Exception e) when (e is AlpacaException or IOException or UnauthorizedAccessException)
        {
            _log.WebhooksKept(e.Message);
        }

        return _webhooks;
    }

    private (DateTime Written, long Length) Stamp()
    {
        if (_settings.ConfigurationFile is not { } name) return default;
        var file = new FileInfo(name);
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }
}
