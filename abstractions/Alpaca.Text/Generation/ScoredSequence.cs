namespace Alpaca.Text;

/// <summary>A text whose log-probabilities are wanted.</summary>
/// <param name="ids">The text, at least two ids.</param>
/// <param name="adapter">The adapter.</param>
/// <param name="vocabularySize">Logits of a position.</param>
/// <param name="cancellationToken">Ends it.</param>
internal sealed class ScoredSequence(int[] ids, int? adapter, int vocabularySize, CancellationToken cancellationToken)
    : SlotSequence([.. ids.AsSpan(0, ids.Length - 1)], adapter, cancellationToken) // nothing follows the last id, so it need not be read
{
    private readonly float[] _scores = new float[ids.Length - 1];
    private readonly TaskCompletionSource<float[]> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>For each id but the first, its log-probability after those before it.</summary>
    public Task<float[]> Result => _result.Task;

    /// <inheritdoc />
    /// <remarks>The logits of 64 positions of a vocabulary of 50,000 are 13 MB.</remarks>
    public override int Chunk => 64;

    /// <inheritdoc />
    public override bool CanTakeOver => false;

    /// <inheritdoc />
    public override LogitRows Rows(bool isLast) => LogitRows.All;

    /// <inheritdoc />
    public override bool Take(ReadOnlySpan<float> logits, int position, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var row = logits.Slice(i * vocabularySize, vocabularySize);
            _scores[position + i] = (float)Math.Min(0, row[ids[position + i + 1]] - LogSumExp.Of(row, LogSumExp.Max(row)));
        }

        if (position + count < _scores.Length) return true;
        _result.TrySetResult(_scores);
        return false;
    }

    /// <inheritdoc />
    public override void End(Exception? error = null)
    {
        if (Reason(error) is OperationCanceledException cancelled) _result.TrySetCanceled(cancelled.CancellationToken);
        else if (error is not null) _result.TrySetException(error);
    }
}
