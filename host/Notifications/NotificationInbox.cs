using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What waits to be handed to the webhooks. Adding never waits: without room the oldest goes.</summary>
internal sealed class NotificationInbox(ILogger<NotificationInbox> log)
{
    /// <summary>How many notifications wait at most, here and for each webhook.</summary>
    public const int Capacity = 1000;

    private readonly DroppingQueue<Notification> _waiting = new(Capacity, (_, isFirst) =>
    {
        if (isFirst) log.InboxOverflows(Capacity);
    });

    /// <summary>What waits, in order.</summary>
    public ChannelReader<Notification> Reader => _waiting.Reader;

    /// <summary>Adds a notification.</summary>
    public void Add(Notification notification)
    {
        if (!_waiting.Add(notification)) log.NotificationTooLate(notification.Event, notification.Pipeline);
    }

    /// <summary>Takes in nothing more.</summary>
    public void Close() => _waiting.Close();
}
