namespace Alpaca.Text.Tests;

/// <summary>A decoder that leaves everything to another one, for tests that want one thing otherwise.</summary>
internal abstract class ForwardingDecoder(IDecoder inner) : IDecoder
{
    public int VocabularySize => inner.VocabularySize;

    public int HiddenSize => inner.HiddenSize;

    public int ContextLength => inner.ContextLength;

    public int Slots => inner.Slots;

    public IReadOnlyList<string> Adapters => inner.Adapters;

    public ReadOnlySpan<float> Extend(int slot, int position, ReadOnlySpan<int> ids, int? adapter, LogitRows rows) => inner.Extend(slot, position, ids, adapter, rows);

    public virtual ReadOnlySpan<float> Step(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter) => inner.Step(firstSlot, ids, positions, adapter);

    public void Copy(int source, int target, int length) => inner.Copy(source, target, length);

    public void Embed(int slot, ReadOnlySpan<int> ids, int? adapter, Span<float> mean) => inner.Embed(slot, ids, adapter, mean);

    public void Dispose() => inner.Dispose();
}
