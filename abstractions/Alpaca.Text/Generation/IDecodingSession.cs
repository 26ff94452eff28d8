namespace Alpaca.Text;

/// <summary>One sequence in a model, with its KV cache. For one thread at a time.</summary>
public interface IDecodingSession : IDisposable
{
    /// <summary>Appends ids to the sequence.</summary>
    /// <param name="ids">The ids, at least one; all of them together never exceed the session's capacity.</param>
    /// <param name="lastLogits">Gets the logits of the last position, [vocabulary size].</param>
    void Forward(ReadOnlySpan<int> ids, Span<float> lastLogits);
}
