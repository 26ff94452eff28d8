using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class AutoregressiveTextGeneratorTests
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0, MaxNewTokens = 5 };

    [Fact]
    public async Task GenerateAsync_Greedy_FeedsThePromptOnceAndThenEachToken()
    {
        using var generator = new CountingGenerator();
        var tokens = await generator.GenerateAsync([3, 4], Greedy).ToListAsync();
        tokens.Select(token => token.Id).Should().Equal(5, 6, 7, 8, 9);
        generator.Sessions.Should().ContainSingle();
        generator.Sessions[0].Calls.Should().BeEquivalentTo(new int[][] { [3, 4], [5], [6], [7], [8] }, options => options.WithStrictOrdering());
        (generator.Sessions[0].Capacity, generator.Sessions[0].IsDisposed).Should().Be((7, true));
        tokens.Should().AllSatisfy(token => token.LogProbability.Should().BeInRange(-0.1f, 0));
    }

    [Fact]
    public async Task GenerateAsync_StopId_EndsWithoutIt()
    {
        using var generator = new CountingGenerator();
        (await generator.GenerateAsync([3], Greedy with { StopIds = [6, 99] }).ToListAsync()).Select(token => token.Id).Should().Equal(4, 5);
    }

    [Fact]
    public async Task GenerateAsync_EndOfContext_Stops()
    {
        using var generator = new CountingGenerator();
        (await generator.GenerateAsync([.. Enumerable.Repeat(1, 30)], Greedy).ToListAsync()).Should().HaveCount(2);
        (await generator.GenerateAsync([.. Enumerable.Repeat(1, 32)], Greedy).ToListAsync()).Should().BeEmpty();
        (await generator.GenerateAsync([1], Greedy with { MaxNewTokens = int.MaxValue }).ToListAsync()).Should().HaveCount(31);
    }

    [Fact]
    public async Task GenerateAsync_NoTokensWanted_RunsNothing()
    {
        using var generator = new CountingGenerator();
        (await generator.GenerateAsync([1], Greedy with { MaxNewTokens = 0 }).ToListAsync()).Should().BeEmpty();
        generator.Sessions.Should().BeEmpty();
    }

    [Fact]
    public void GenerateAsync_UnusablePrompt_ThrowsAtOnce()
    {
        using var generator = new CountingGenerator();
        generator.Invoking(g => g.GenerateAsync([], Greedy)).Should().Throw<AlpacaException>().WithMessage("*empty*");
        generator.Invoking(g => g.GenerateAsync([.. Enumerable.Repeat(1, 33)], Greedy)).Should().Throw<AlpacaException>().WithMessage("*33*32*");
        generator.Invoking(g => g.GenerateAsync([1, 20], Greedy)).Should().Throw<AlpacaException>().WithMessage("*token 1*id 20*20 ids*");
        generator.Invoking(g => g.GenerateAsync([-1], Greedy)).Should().Throw<AlpacaException>();
        generator.Invoking(g => g.GenerateAsync([1], Greedy with { TopP = 2 })).Should().Throw<AlpacaUsageException>();
        generator.Sessions.Should().BeEmpty();
    }

    [Fact]
    public async Task GenerateAsync_Cancelled_StopsBetweenTokensAndDisposesTheSession()
    {
        using var generator = new CountingGenerator();
        using var source = new CancellationTokenSource();
        var seen = new List<int>();
        var run = async () =>
        {
            await foreach (var token in generator.GenerateAsync([1], Greedy, source.Token))
            {
                seen.Add(token.Id);
                if (seen.Count == 2) await source.CancelAsync();
            }
        };
        await run.Should().ThrowAsync<OperationCanceledException>();
        seen.Should().Equal(2, 3);
        (generator.Sessions[0].Calls.Count, generator.Sessions[0].IsDisposed).Should().Be((2, true));
    }

    [Fact]
    public async Task GenerateAsync_EnumerationAbandoned_DisposesTheSession()
    {
        using var generator = new CountingGenerator();
        await foreach (var token in generator.GenerateAsync([1], Greedy)) break;
        generator.Sessions[0].IsDisposed.Should().BeTrue();
    }

    [Fact]
    public async Task GenerateAsync_ForwardFails_PassesTheErrorOnAndDisposesTheSession()
    {
        using var generator = new CountingGenerator { FailAt = 13 };
        var run = () => generator.GenerateAsync([12], Greedy).ToListAsync().AsTask();
        await run.Should().ThrowAsync<InvalidOperationException>().WithMessage("no memory");
        generator.Sessions[0].IsDisposed.Should().BeTrue();
    }

    [Fact]
    public async Task GenerateAsync_TwiceAtOnce_HaveSessionsOfTheirOwn()
    {
        using var generator = new CountingGenerator();
        var runs = await Task.WhenAll(generator.GenerateAsync([1], Greedy).ToListAsync().AsTask(), generator.GenerateAsync([8], Greedy).ToListAsync().AsTask());
        runs[0].Select(token => token.Id).Should().Equal(2, 3, 4, 5, 6);
        runs[1].Select(token => token.Id).Should().Equal(9, 10, 11, 12, 13);
        generator.Sessions.Should().HaveCount(2);
    }

    [Fact]
    public async Task GenerateAsync_ReturnLogits_GivesEachTokenItsOwn()
    {
        using var generator = new CountingGenerator();
        var tokens = await generator.GenerateAsync([1], Greedy with { ReturnLogits = true }).ToListAsync();
        tokens.Should().AllSatisfy(token => token.Logits.Span[token.Id].Should().Be(9));
    }

    /// <summary>A model whose next token is always one more than the last.</summary>
    private sealed class CountingGenerator : AutoregressiveTextGenerator
    {
        public List<Session> Sessions { get; } = [];

        public int FailAt { get; init; } = -1;

        public override int VocabularySize => 20;

        public override int ContextLength => 32;

        public override void Dispose() => Sessions.Where(session => !session.IsDisposed).Should().BeEmpty();

        protected override IDecodingSession StartSession(int capacity)
        {
            var session = new Session(capacity, FailAt);
            lock (Sessions) Sessions.Add(session);
            return session;
        }
    }

    private sealed class Session(int capacity, int failAt) : IDecodingSession
    {
        public int Capacity { get; } = capacity;

        public List<int[]> Calls { get; } = [];

        public bool IsDisposed { get; private set; }

        public void Forward(ReadOnlySpan<int> ids, Span<float> lastLogits)
        {
            IsDisposed.Should().BeFalse();
            if (ids[^1] == failAt) throw new InvalidOperationException("no memory");
            Calls.Add(ids.ToArray());
            Calls.Sum(call => call.Length).Should().BeLessThanOrEqualTo(Capacity);
            lastLogits.Clear();
            lastLogits[(ids[^1] + 1) % lastLogits.Length] = 9;
        }

        public void Dispose() => IsDisposed = true;
    }
}
