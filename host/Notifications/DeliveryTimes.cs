namespace Alpaca.Host;

/// <summary>How patient deliveries are.</summary>
internal sealed record DeliveryTimes
{
    private const double Jitter = 0.2;

    /// <summary>The wait before the second attempt; each further one doubles it. The default is 1 s.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait of one's own accord. The default is 5 min.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The least wait where the receiver is asked too often and does not say how long to wait. The default is 30 s: chats count messages by the minute.</summary>
    public TimeSpan Busy { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest wait that a receiver may ask for; one that asks for more is given up. The default is 1 h.</summary>
    public TimeSpan LongestAsked { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a stopping service goes on delivering what waits. The default is 5 s.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The wait after an attempt that failed, up to a fifth longer or shorter, so that many machines do not come back all at once.</summary>
    /// <param name="attempt">The attempt, from 1.</param>
    /// <param name="isBusy">Whether the receiver is asked too often.</param>
    /// <param name="random">Where chance comes from.</param>
    public TimeSpan Backoff(int attempt, bool isBusy, Random random)
    {
        var wait = Math.Min(Longest.TotalSeconds, First.TotalSeconds * Math.Pow(2, attempt - 1));
        if (isBusy) wait = Math.Max(wait, Busy.TotalSeconds);
        return TimeSpan.FromSeconds(wait * (1 + (Jitter * ((2 * random.NextDouble()) - 1))));
    }
}
