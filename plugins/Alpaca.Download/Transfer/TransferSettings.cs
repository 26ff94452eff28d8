namespace Alpaca.Download;

/// <summary>How patient transfers are.</summary>
internal sealed record TransferSettings
{
    /// <summary>The wait after the first failure; it doubles with each further one, with jitter. The default is 1 second.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often something is tried again without any progress before it counts as failed. The default is 6, about a minute.</summary>
    public int Retries { get; init; } = 6;

    /// <summary>How long a source may send nothing. The default is a minute.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The longest wait that a server's <c>Retry-After</c> is granted. The default is 15 minutes.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Numbers from 0 to 1 for the jitter. It is asked from several threads.</summary>
    public Func<double> Random { get; init; } = new Jitter().Next;

    /// <summary>The wait after a number of failures in a row: between half of the doubled delay and all of it.</summary>
    /// <param name="failures">From 1.</param>
    public TimeSpan Delay(int failures) => FirstDelay * Math.Pow(2, Math.Min(failures - 1, 6)) * (0.5 + (Random() / 2));

    private sealed class Jitter
    {
        private readonly Random _random = new();

        public double Next()
        {
            lock (_random) return _random.NextDouble();
        }
    }
}
