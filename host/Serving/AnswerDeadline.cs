using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Alpaca.Host;

/// <summary>When an answer ends early: at once when its client leaves, and some seconds after the server was told to stop.</summary>
internal sealed class AnswerDeadline : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private readonly CancellationTokenSource _stopped;
    private readonly CancellationTokenRegistration _stopping;

    public AnswerDeadline(IHostApplicationLifetime lifetime, TimeProvider time)
    {
        _stopped = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _stopping = lifetime.ApplicationStopping.Register(() => _stopped.CancelAfter(Grace));
    }

    /// <summary>The token of a request's answer; dispose the source after it.</summary>
    public CancellationTokenSource For(HttpContext context) => CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopped.Token);

    /// <summary>Ends all answers now.</summary>
    public void Cancel() => _stopped.Cancel();

    public void Dispose()
    {
        _stopping.Dispose();
        _stopped.Dispose();
    }
}
