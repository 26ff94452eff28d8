using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Tells one webhook, one notification after the other in their order, so that a receiver that hangs holds up nobody else.</summary>
internal sealed class WebhookOutlet : IDisposable
{
    private readonly WebhookClient _client;
    private readonly DeliveryTimes _times;
    private readonly Random _random;
    private readonly AlpacaMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _abandon = new();
    private readonly DroppingQueue<Notification> _waiting;
    private volatile Webhook _webhook;

    /// <summary>Begins to wait for notifications.</summary>
    public WebhookOutlet(Webhook webhook, WebhookClient client, DeliveryTimes times, Random random, AlpacaMetrics metrics, TimeProvider time, ILogger log)
    {
        (_webhook, _client, _times, _random, _metrics, _time, _log) = (webhook, client, times, random, metrics, time, log);
        _waiting = new DroppingQueue<Notification>(NotificationInbox.Capacity, (_, isFirst) =>
        {
            metrics.Notified(webhook.Name, "dropped");
            if (isFirst) log.WebhookOverflows(NotificationInbox.Capacity, webhook.Name);
        });
        Ended = Task.Run(RunAsync);
    }

    /// <summary>Completes when it was closed and nothing waits any more, or it was abandoned.</summary>
    public Task Ended { get; }

    /// <summary>Adds a notification.</summary>
    /// <param name="webhook">The webhook as it is configured now; what waits is sent to it too.</param>
    /// <param name="notification">What it is to be told.</param>
    public void Add(Webhook webhook, Notification notification)
    {
        _webhook = webhook;
        if (webhook.Wants(notification)) _waiting.Add(notification);
    }

    /// <summary>Takes in nothing more, and ends when nothing waits.</summary>
    public void Close() => _waiting.Close();

    /// <summary>Ends at once; what waits is not told.</summary>
    public void Abandon()
    {
        Close();
        _abandon.Cancel();
    }

    public void Dispose() => _abandon.Dispose();

    private async Task RunAsync()
    {
        var untold = new List<Notification>();
        await foreach (var notification in _waiting.Reader.ReadAllAsync())
        {
            try
            {
                await DeliverAsync(notification, _abandon.Token);
            }
            catch (OperationCanceledException)
            {
                Count("undelivered");
                untold.Add(notification);
            }
            catch (Exception e)
            {
                // A defect. Its message may hold the address.
                Count("failed");
                _log.NotificationFailed(_webhook.Name, notification.Event, notification.Pipeline, e.GetType().Name, 1, _webhook.MaxAttempts);
            }
        }

        if (untold is [var first, ..]) _log.NotificationsUndelivered(_webhook.Name, untold.Count, first.Event, first.Pipeline);
    }

    private async Task DeliverAsync(Notification notification, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var webhook = _webhook;
            var result = await _client.SendAsync(webhook, notification, cancellationToken);
            if (result.Problem is not { } problem)
            {
                Count("delivered");
                _log.Notified(webhook.Name, notification.Event, notification.Pipeline, attempt);
                return;
            }

            var wait = result.Wait ?? _times.Backoff(attempt, result.IsBusy, _random);
            if (!result.MayPass || attempt >= webhook.MaxAttempts || wait > _times.LongestAsked)
            {
                Count("failed");
                _log.NotificationFailed(webhook.Name, notification.Event, notification.Pipeline, problem, attempt, webhook.MaxAttempts);
                return;
            }

            _log.NotificationIsRetried(webhook.Name, notification.Event, notification.Pipeline, problem, wait.TotalSeconds, attempt, webhook.MaxAttempts);
            await Task.Delay(wait, _time, cancellationToken);
        }
    }

    private void Count(string outcome) => _metrics.Notified(_webhook.Name, outcome);
}
