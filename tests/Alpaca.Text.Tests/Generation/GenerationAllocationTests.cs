using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

/// <summary>Counts what the whole process allocates, so nothing else may run meanwhile.</summary>
[Collection(nameof(Alone))]
public sealed class GenerationAllocationTests
{
    [Fact]
    public async Task GenerateAsync_ReaderThatWaitsForEachToken_AllocatesNothingPerToken()
    {
        const int tokens = 2000;
        using var cancel = new CancellationTokenSource();
        using var turn = new SemaphoreSlim(0);
        using var generator = await BatchedTextGenerator.StartAsync(() => new LockstepDecoder(new HashDecoder(2, tokens + 10), turn));
        long before = 0, allocated = 0;
        var count = 0;
        turn.Release();

        await foreach (var token in generator.GenerateAsync([1, 2, 3], new GenerationOptions { Temperature = 0, MaxNewTokens = tokens, StopIds = [] }, cancel.Token))
        {
            if (++count == tokens / 2) before = GC.GetTotalAllocatedBytes(precise: true);
            if (count == tokens) allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            turn.Release();
        }

        // Lists of ids double as they grow; nothing else may be there, in no thread.
        (allocated / (tokens / 2.0)).Should().BeLessThan(32);
    }

    [CollectionDefinition(nameof(Alone), DisableParallelization = true)]
    public sealed class Alone;

    /// <summary>Computes nothing before it is its turn.</summary>
    private sealed class LockstepDecoder(IDecoder inner, SemaphoreSlim turn) : IDecoder
    {
        public int VocabularySize => inner.VocabularySize;

        public int HiddenSize => inner.HiddenSize;

        public int ContextLength => inner.ContextLength;

        public int Slots => inner.Slots;

        public IReadOnlyList<string> Adapters => inner.Adapters;

        public ReadOnlySpan<float> Extend(int slot, int position, ReadOnlySpan<int> ids, int? adapter, LogitRows rows) => inner.Extend(slot, position, ids, adapter, rows);

        public ReadOnlySpan<float> Step(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter)
        {
            turn.Wait();
            return inner.Step(firstSlot, ids, positions, adapter);
        }

        public void Copy(int source, int target, int length) => inner.Copy(source, target, length);

        public void Embed(int slot, ReadOnlySpan<int> ids, int? adapter, Span<float> mean) => inner.Embed(slot, ids, adapter, mean);

        public void Dispose() => inner.Dispose();
    }
}
