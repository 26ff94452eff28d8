using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>Turns requests away once as many are being answered or wait as are allowed.</summary>
/// <param name="limit">How many that are. Which of them run and which wait is the model's affair.</param>
internal sealed class RequestGate(int limit)
{
    private int _entered;

    /// <summary>How many are within.</summary>
    public int Entered => Volatile.Read(ref _entered);

    /// <summary>Takes a place, which is free again when it is disposed.</summary>
    /// <exception cref="ApiException">There is none.</exception>
    public IDisposable Enter()
    {
        if (Interlocked.Increment(ref _entered) <= limit) return new Place(this);
        Interlocked.Decrement(ref _entered);
        throw new ApiException(
            StatusCodes.Status429TooManyRequests, $"The server is answering or keeping in its queue {limit} requests, which is its limit (Serving:QueueLimit); try again in a moment.", "rate_limit_error", code: "queue_full", retryAfterSeconds: 1);
    }

    private sealed class Place(RequestGate gate) : IDisposable
    {
        private RequestGate? _gate = gate;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _gate, null) is { } left) Interlocked.Decrement(ref left._entered);
        }
    }
}
