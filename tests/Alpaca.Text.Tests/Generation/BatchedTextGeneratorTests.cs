using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class BatchedTextGeneratorTests
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0, MaxNewTokens = 10 };

    [Fact]
    public async Task GenerateAsync_RandomArrivalsAndDepartures_GiveEachSequenceWhatItGetsAlone()
    {
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            var adapters = random.Next(3);
            using var generator = await BatchedTextGenerator.StartAsync(() => new HashDecoder(2 + random.Next(6), 96, adapters), reusePrefixes: random.Next(3) > 0);
            int[] shared = [.. Enumerable.Range(0, 60).Select(_ => random.Next(HashDecoder.Vocabulary))];
            var runs = Enumerable.Range(0, 25).Select(i => RunAsync(generator, new Random(seed * 100 + i), shared, adapters, random.Next(12))).ToList();

            await Task.WhenAll(runs);
        }
    }

    [Fact]
    public async Task GenerateAsync_PassOfOneSequenceFails_HurtsNobodyElse()
    {
        using var generator = await BatchedTextGenerator.StartAsync(() => new HashDecoder(9, 96) { BeforePass = ids => { if (ids.Contains(79)) throw new InvalidOperationException("no memory"); } });
        int[][] prompts = [.. Enumerable.Range(0, 8).Select(i => Enumerable.Range(0, 10).Select(k => i == 3 ? 79 : (i * 11 + k) % 79).ToArray())];
        var expected = prompts.Select(prompt => Alone(prompt, Greedy with { MaxNewTokens = 60 }, null)).ToList();

        for (var round = 0; round < 3; round++)
        {
            var runs = prompts.Select(prompt => generator.GenerateAsync(prompt, Greedy with { MaxNewTokens = 60 }).ToListAsync().AsTask()).ToList();
            for (var i = 0; i < runs.Count; i++)
            {
                // A sequence that comes to choose the token fails at the next step.
                if (prompts[i].Contains(79) || expected[i].SkipLast(1).Contains(79)) await runs[i].Invoking(run => run).Should().ThrowAsync<InvalidOperationException>().WithMessage("no memory");
                else (await runs[i]).Select(token => token.Id).Should().Equal(expected[i]);
            }
        }

        expected.Count(ids => ids.Contains(79)).Should().BeInRange(1, 6, "some fail while they are decoded with others");
    }

    [Fact]
    public async Task GenerateAsync_SamePromptSeveralTimesAtOnce_ReadsItOnce()
    {
        HashDecoder decoder = null!;
        using var hold = new ManualResetEventSlim();
        using var generator = await BatchedTextGenerator.StartAsync(() => decoder = new HashDecoder(9, 1024) { BeforePass = _ => hold.Wait() });
        int[] prompt = [.. Enumerable.Range(0, 800).Select(i => i % 77)];
        var expected = Alone(prompt, Greedy, null);

        var runs = Enumerable.Range(0, 8).Select(_ => generator.GenerateAsync(prompt, Greedy).ToListAsync().AsTask()).ToList();
        hold.Set();

        (await Task.WhenAll(runs)).Should().AllSatisfy(tokens => tokens.Select(token => token.Id).Should().Equal(expected));
        decoder.Extended.Sum().Should().Be(800 + 7, "the others read the last token only");
        runs.Select(run => run.Result[0].ReusedPromptTokens).Should().BeEquivalentTo([0, 799, 799, 799, 799, 799, 799, 799]);
    }

    [Fact]
    public async Task GenerateAsync_LongPrompt_IsReadBetweenTheStepsOfOthers()
    {
        var order = new List<int>();
        using var othersAreThere = new ManualResetEventSlim();
        using var generator = await BatchedTextGenerator.StartAsync(() => new HashDecoder(4, 2048)
        {
            BeforePass = ids =>
            {
                if (order.Count == 1) othersAreThere.Wait();
                order.Add(ids.Length);
            },
        });
        await using var running = generator.GenerateAsync([1, 2, 3], Greedy with { MaxNewTokens = 2000 }).GetAsyncEnumerator();
        await running.MoveNextAsync();

        var reading = generator.GenerateAsync([.. Enumerable.Repeat(5, 1500)], Greedy with { MaxNewTokens = 1 }).ToListAsync();
        var scoring = generator.ScoreAsync([.. Enumerable.Repeat(6, 1500)]);
        othersAreThere.Set();
        await reading;
        await scoring;

        await running.DisposeAsync();
        var positions = 0;
        foreach (var count in order.SkipWhile(count => count == 1 || count == 3))
        {
            positions = count == 1 ? 0 : positions + count;
            positions.Should().BeLessThanOrEqualTo(256 + 63, "a step comes after each chunk");
        }
    }

    [Fact]
    public async Task GenerateAsync_CancelledWhileItsPromptIsRead_StopsReading()
    {
        using var cancel = new CancellationTokenSource();
        HashDecoder decoder = null!;
        using var generator = await BatchedTextGenerator.StartAsync(() => decoder = new HashDecoder(2, 4096) { BeforePass = _ => cancel.Cancel() });

        var run = () => generator.GenerateAsync([.. Enumerable.Repeat(5, 4000)], Greedy, cancel.Token).ToListAsync().AsTask();

        await run.Should().ThrowAsync<OperationCanceledException>();
        await generator.GenerateAsync([1], Greedy).ToListAsync();
        decoder.Extended.Should().Equal(256, 1);
    }

    [Fact]
    public async Task GenerateAsync_ManySteps_AllocatesNothingPerTokenButTheToken()
    {
        const int tokens = 4000;
        long allocated = 0, steps = 0;
        using var generator = await BatchedTextGenerator.StartAsync(() => new AllocationMeter(new HashDecoder(5, tokens + 300), (bytes, count) => (allocated, steps) = (bytes, count)));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => generator.GenerateAsync([i, 1, 2], new GenerationOptions { MaxNewTokens = tokens, Seed = i }).CountAsync().AsTask()));

        // The lists of ids and the queues of tokens (72 bytes each) double as they grow; nothing else may be there.
        steps.Should().BeGreaterThan(tokens / 2);
        (allocated / (4.0 * steps)).Should().BeLessThan(200);
    }

    [Fact]
    public async Task StartAsync_LoadFails_PassesTheErrorOn()
        => await FluentActions.Invoking(() => BatchedTextGenerator.StartAsync(() => throw new AlpacaException("no such model"))).Should().ThrowAsync<AlpacaException>().WithMessage("no such model");

    [Fact]
    public async Task Dispose_Always_DisposesTheDecoderOnItsThread()
    {
        HashDecoder decoder = null!;
        var generator = await BatchedTextGenerator.StartAsync(() => decoder = new HashDecoder(2));
        generator.Dispose();
        decoder.IsDisposed.Should().BeTrue();
    }

    private static async Task RunAsync(BatchedTextGenerator generator, Random random, int[] shared, int adapters, int delay)
    {
        for (var i = 0; i < delay; i++) await Task.Yield();
        int[] prompt = [.. shared[..random.Next(shared.Length)], .. Enumerable.Range(0, 1 + random.Next(20)).Select(_ => random.Next(HashDecoder.Vocabulary))];
        int? adapter = adapters == 0 ? null : random.Next(adapters + 1) is var chosen and > 0 ? chosen - 1 : null;
        var options = new GenerationOptions { Temperature = 1, TopK = 20, MaxNewTokens = random.Next(30), Seed = random.Next(), StopIds = [random.Next(80)], Adapter = adapter is null ? null : $"adapter-{adapter}" };
        var expected = Alone(prompt, options, adapter, contextLength: 96);
        var leave = random.Next(3) == 0 ? random.Next(10) : int.MaxValue;
        var given = new List<int>();

        if (random.Next(4) == 0)
        {
            var scores = await generator.ScoreAsync([.. prompt, 3], options.Adapter);
            for (var i = 0; i < scores.Length; i++) scores[i].Should().BeApproximately(Score(i), 1e-4f);
        }

        if (leave > 0)
        {
            await foreach (var token in generator.GenerateAsync(prompt, options))
            {
                given.Add(token.Id);
                if (given.Count == leave) break;
            }
        }

        given.Should().Equal(expected.Take(leave));

        float Score(int at)
        {
            var logits = HashDecoder.LogitsAfter(prompt[..(at + 1)], adapter);
            return (float)(logits[at + 1 < prompt.Length ? prompt[at + 1] : 3] - Math.Log(logits.Sum(logit => Math.Exp(logit))));
        }
    }

    private static int[] Alone(int[] prompt, GenerationOptions options, int? adapter, int contextLength = int.MaxValue)
    {
        var (ids, sampler) = (prompt.ToList(), new TokenSampler(options));
        while (ids.Count < contextLength && ids.Count - prompt.Length < options.MaxNewTokens)
        {
            var token = sampler.Next(HashDecoder.LogitsAfter(ids, adapter), ids.ToArray(), prompt.Length);
            if (options.StopIds.Contains(token.Id)) break;
            ids.Add(token.Id);
        }

        return [.. ids.Skip(prompt.Length)];
    }

    /// <summary>Counts what the loop allocates from the 100th step on, on its thread.</summary>
    private sealed class AllocationMeter(IDecoder inner, Action<long, long> report) : ForwardingDecoder(inner)
    {
        private long _start;
        private long _steps;

        public override ReadOnlySpan<float> Step(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter)
        {
            if (_steps++ == 100) _start = GC.GetAllocatedBytesForCurrentThread();
            if (_steps > 100 && ids.Length == 4) report(GC.GetAllocatedBytesForCurrentThread() - _start, _steps - 100);
            return base.Step(firstSlot, ids, positions, adapter);
        }
    }
}
