using Alpaca.Abstractions;

namespace Alpaca.Llama;

/// <summary>Lets long loading be cancelled where it reports.</summary>
public static class CancellableProgress
{
    /// <summary>A progress that throws <see cref="OperationCanceledException"/> on the next report once cancellation is asked for.</summary>
    /// <param name="progress">Where reports go.</param>
    /// <param name="cancellationToken">Looked at before each report.</param>
    public static IProgressTask WithCancellation(this IProgressTask progress, CancellationToken cancellationToken) => new CancellableTask(progress, cancellationToken);

    private sealed class CancellableTask(IProgressTask progress, CancellationToken cancellationToken) : IProgressTask
    {
        public void Report(double done)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress.Report(done);
        }

        public void SetTotal(double total) => progress.SetTotal(total);

        public void SetStatus(string status) => progress.SetStatus(status);

        public void Dispose() => progress.Dispose();
    }
}
