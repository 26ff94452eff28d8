using System.Runtime.InteropServices;

namespace Alpaca.Text;

/// <summary>A text on its way through a <see cref="DecoderLoop"/>, which alone changes it once it has been added.</summary>
/// <param name="ids">The text; one that is continued grows by the chosen tokens.</param>
/// <param name="adapter">The adapter.</param>
/// <param name="cancellationToken">Ends it.</param>
internal abstract class SlotSequence(List<int> ids, int? adapter, CancellationToken cancellationToken)
{
    /// <summary>The text so far.</summary>
    public ReadOnlySpan<int> Ids => CollectionsMarshal.AsSpan(ids);

    /// <summary>The adapter.</summary>
    public int? Adapter => adapter;

    /// <summary>Where it is; set while it is in a slot.</summary>
    public Slot? Slot { get; set; }

    /// <summary>Whether a pass has read some of it, beyond what was taken over.</summary>
    public bool HasBegun { get; set; }

    /// <summary>Whether it takes part in steps: all of it but its last token has been read.</summary>
    public bool IsDecoding { get; protected set; }

    /// <summary>Whether anyone still waits for it.</summary>
    public virtual bool IsWanted => !cancellationToken.IsCancellationRequested;

    /// <summary>The most of its positions that one pass reads: bounds the memory of a long text, and how long the others wait.</summary>
    public abstract int Chunk { get; }

    /// <summary>Whether the logits of some positions are not needed, so that these may be taken over from another sequence.</summary>
    public abstract bool CanTakeOver { get; }

    /// <summary>What a pass over some of its positions has to give.</summary>
    /// <param name="isLast">Whether the last one is among them.</param>
    public abstract LogitRows Rows(bool isLast);

    /// <summary>Notes how many positions were taken over from another sequence.</summary>
    public virtual void TakeOver(int positions)
    {
    }

    /// <summary>Takes what a pass gave.</summary>
    /// <param name="logits">As <see cref="Rows"/> asked for.</param>
    /// <param name="position">The first of the positions that were read.</param>
    /// <param name="count">How many there were.</param>
    /// <returns>Whether the sequence goes on.</returns>
    public abstract bool Take(ReadOnlySpan<float> logits, int position, int count);

    /// <summary>Nothing more comes.</summary>
    /// <param name="error">Why, where it did not end by itself or by cancellation.</param>
    public abstract void End(Exception? error = null);

    /// <summary>Why it ended: what went wrong, else that it was cancelled, else nothing.</summary>
    protected Exception? Reason(Exception? error)
        => error ?? (cancellationToken.IsCancellationRequested ? new OperationCanceledException(cancellationToken) : null);

    /// <summary>Appends a chosen token.</summary>
    protected void Append(int id) => ids.Add(id);
}
