using System.Threading.Channels;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>A prompt that is continued. The reader of <see cref="Tokens"/> is on another thread.</summary>
/// <param name="ids">The prompt; grows by the chosen tokens.</param>
/// <param name="capacity">The longest it may become; longer than the prompt.</param>
/// <param name="stopIds">Ids that end it.</param>
/// <param name="adapter">The adapter.</param>
/// <param name="sampler">Chooses its tokens.</param>
/// <param name="cancellationToken">Ends it.</param>
internal sealed class DecodingSequence(List<int> ids, int capacity, int[] stopIds, int? adapter, TokenSampler sampler, CancellationToken cancellationToken)
    : SlotSequence(ids, adapter, cancellationToken)
{
    private readonly Channel<GeneratedToken> _tokens = Channel.CreateUnbounded<GeneratedToken>(new UnboundedChannelOptions { SingleReader = true });
    private readonly int _promptLength = ids.Count;
    private int _takenOver;
    private volatile bool _isAbandoned;

    /// <summary>The chosen tokens as they come.</summary>
    public ChannelReader<GeneratedToken> Tokens => _tokens.Reader;

    /// <inheritdoc />
    public override bool IsWanted => !_isAbandoned && base.IsWanted;

    /// <inheritdoc />
    public override int Chunk => 256;

    /// <inheritdoc />
    public override bool CanTakeOver => true;

    /// <summary>Says that nobody reads on.</summary>
    public void Abandon() => _isAbandoned = true;

    /// <inheritdoc />
    public override LogitRows Rows(bool isLast) => isLast ? LogitRows.Last : LogitRows.None;

    /// <inheritdoc />
    public override void TakeOver(int positions) => _takenOver = positions;

    /// <inheritdoc />
    public override bool Take(ReadOnlySpan<float> logits, int position, int count)
    {
        if (logits.IsEmpty) return true; // more of the prompt follows
        IsDecoding = true;
        var token = sampler.Next(logits, Ids, _promptLength);
        if (stopIds.AsSpan().Contains(token.Id)) return false;
        if (_takenOver > 0) token = token with { ReusedPromptTokens = _takenOver };
        _takenOver = 0;
        Append(token.Id);
        _tokens.Writer.TryWrite(token);
        return Ids.Length < capacity;
    }

    /// <inheritdoc />
    public override void End(Exception? error = null) => _tokens.Writer.TryComplete(Reason(error));
}
