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
    private sealed class LockstepDecoder(IDecoder inner, SemaphoreSlim turn) : ForwardingDecoder(inner)
    {
        public override ReadOnlySpan<float> Step(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter)
        {
            turn.Wait();
            return base.Step(firstSlot, ids, positions, adapter);
        }
    }
}
