namespace Alpaca.Text;

/// <summary>A text whose embedding is wanted: one pass on the spare slot.</summary>
/// <param name="ids">The text.</param>
/// <param name="adapter">The adapter.</param>
/// <param name="cancellationToken">Ends it while it waits.</param>
internal sealed class EmbeddingTask(int[] ids, int? adapter, CancellationToken cancellationToken)
{
    private readonly TaskCompletionSource<float[]> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The mean of the last hidden state.</summary>
    public Task<float[]> Result => _result.Task;

    /// <summary>Computes it, unless nobody waits for it any more.</summary>
    public void Run(IDecoder decoder, int slot)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            _result.TrySetCanceled(cancellationToken);
            return;
        }

        try
        {
            var mean = new float[decoder.HiddenSize];
            decoder.Embed(slot, ids, adapter, mean);
            _result.TrySetResult(mean);
        }
        catch (Exception e)
        {
            _result.TrySetException(e);
        }
    }

    /// <summary>It will never be computed.</summary>
    public void End(Exception reason) => _result.TrySetException(reason);
}
