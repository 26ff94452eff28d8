namespace Alpaca.Text;

/// <summary>What a backend adds to generation: the passes of a loaded model over slots of KV cache. <see cref="BatchedTextGenerator"/> decides which sequence is where.</summary>
/// <remarks>
/// <para>A slot is the KV cache of one sequence, of <see cref="ContextLength"/> positions. The caller says at which position ids are written, so to forget the end of a sequence it only has to go on from an
/// earlier position; what lies beyond is never looked at.</para>
/// <para>Created, used and disposed on one thread. A span that is returned is valid until the next call.</para>
/// <para>An adapter is an index into <see cref="Adapters"/>; <see langword="null"/> is the model alone.</para>
/// </remarks>
public interface IDecoder : IDisposable
{
    /// <summary>Rows of the embedding, those of adapters included. The logit of an id that a model or adapter lacks is -∞.</summary>
    int VocabularySize { get; }

    /// <summary>Elements of a hidden state.</summary>
    int HiddenSize { get; }

    /// <summary>Positions of a slot.</summary>
    int ContextLength { get; }

    /// <summary>Slots, at least two: one for each sequence at a time, and a spare one.</summary>
    int Slots { get; }

    /// <summary>The names of the adapters.</summary>
    IReadOnlyList<string> Adapters { get; }

    /// <summary>Appends ids to one slot: prompts, and texts to score.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="position">Where the first id goes: how many positions before it stay valid.</param>
    /// <param name="ids">At least one, as many as have room.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="rows">Which logits are wanted.</param>
    /// <returns>None, [<see cref="VocabularySize"/>] or [ids, <see cref="VocabularySize"/>].</returns>
    ReadOnlySpan<float> Extend(int slot, int position, ReadOnlySpan<int> ids, int? adapter, LogitRows rows);

    /// <summary>Appends one id to each of several neighbouring slots: a step of decoding.</summary>
    /// <param name="firstSlot">The first of the slots.</param>
    /// <param name="ids">An id for each slot.</param>
    /// <param name="positions">Where each id goes in its slot.</param>
    /// <param name="adapter">The adapter of all of them.</param>
    /// <returns>[ids, <see cref="VocabularySize"/>].</returns>
    ReadOnlySpan<float> Step(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter);

    /// <summary>Copies the first positions of one slot to another.</summary>
    /// <param name="source">Read.</param>
    /// <param name="target">Overwritten.</param>
    /// <param name="length">Positions.</param>
    void Copy(int source, int target, int length);

    /// <summary>The mean of the last hidden state, after the final norm, over all positions of a text.</summary>
    /// <param name="slot">Overwritten from its start.</param>
    /// <param name="ids">At least one, at most <see cref="ContextLength"/>.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="mean">Gets the mean, [<see cref="HiddenSize"/>].</param>
    void Embed(int slot, ReadOnlySpan<int> ids, int? adapter, Span<float> mean);
}

/// <summary>Which positions of a pass need logits.</summary>
public enum LogitRows
{
    /// <summary>None: more of the prompt follows.</summary>
    None,

    /// <summary>The last one.</summary>
    Last,

    /// <summary>All.</summary>
    All,
}
