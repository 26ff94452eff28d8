using System.Collections.Concurrent;
using Alpaca.Abstractions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Hands what is in the inbox to the webhooks that want it, for as long as the service runs and a few seconds more.</summary>
/// <param name="inbox">What has happened.</param>
/// <param name="webhooks">Who is told.</param>
/// <param name="registry">Knows the champions.</param>
/// <param name="times">How patient it is.</param>
/// <param name="random">Where the chance in waits comes from.</param>
/// <param name="metrics">Counts what was told.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told of what went wrong.</param>
internal sealed class NotificationService(
    NotificationInbox inbox, ConfiguredWebhooks webhooks, ModelRegistry registry, DeliveryTimes times, Random random, AlpacaMetrics metrics, TimeProvider time, ILogger<NotificationService> log)
    : IHostedService, IDisposable
{
    private readonly WebhookClient _client = new(time);
    private readonly ConcurrentDictionary<string, WebhookOutlet> _outlets = new(StringComparer.OrdinalIgnoreCase);
    private Task _handingOut = Task.CompletedTask;

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _handingOut = Task.Run(HandOutAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        inbox.Close();
        await _handingOut; // takes no time, and what was handed out to nobody would not be missed by anybody
        await DrainAsync().WaitAsync(times.Drain, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var outlet in _outlets.Values) outlet.Abandon();
        await Task.WhenAll(_outlets.Values.Select(outlet => outlet.Ended));
    }

    public void Dispose()
    {
        foreach (var outlet in _outlets.Values) outlet.Dispose();
        _client.Dispose();
    }

    private async Task DrainAsync()
    {
        foreach (var outlet in _outlets.Values) outlet.Close();
        await Task.WhenAll(_outlets.Values.Select(outlet => outlet.Ended));
    }

    private async Task HandOutAsync()
    {
        await foreach (var notification in inbox.Reader.ReadAllAsync())
        {
            try
            {
                HandOut(notification with { Champion = ChampionOf(notification.Pipeline) });
            }
            catch (Exception e)
            {
                log.NotHandedOut(notification.Event, notification.Pipeline, e);
            }
        }
    }

    private void HandOut(Notification notification)
    {
        var current = webhooks.Current();
        foreach (var (name, outlet) in _outlets)
        {
            if (current.Any(webhook => webhook.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) continue;
            outlet.Abandon(); // nobody wants to see another request at an address that was taken out
            _outlets.TryRemove(name, out _);
        }

        foreach (var webhook in current)
            _outlets.GetOrAdd(webhook.Name, _ => new WebhookOutlet(webhook, _client, times, new Random(random.Next()), metrics, time, log)).Add(webhook, notification);
    }

    private int? ChampionOf(string pipeline)
    {
        try
        {
            return registry.Aliases(pipeline).Champion;
        }
        catch (Exception e) when (e is AlpacaException or IOException or UnauthorizedAccessException)
        {
            return null; // those who need the registry say what is wrong with it
        }
    }
}
