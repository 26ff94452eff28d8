using Alpaca.Abstractions;

namespace Alpaca.TestSupport;

/// <content>Sequences beside each other: who waits, who leaves, what they take over, and texts that are only scored or embedded.</content>
public abstract partial class TextGeneratorConformance
{
    [Fact]
    public async Task GenerateAsync_MoreSequencesThanSlots_AllFinish()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 2, ContextLength = 64 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => ReadAsync(generator, Prompt(i, 1 + i), Greedy)));

        answers.Should().AllSatisfy(answer => answer.Should().HaveCount(12));
    }

    [Fact]
    public async Task GenerateAsync_Cancelled_EndsWithinOneTokenAndFreesTheSlot()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 1 });
        using var source = new CancellationTokenSource();
        var seen = 0;

        var run = async () =>
        {
            await foreach (var _ in generator.GenerateAsync(Prompt(1, 4), Greedy with { MaxNewTokens = 100 }, source.Token))
            {
                if (++seen == 3) await source.CancelAsync();
            }
        };

        await run.Should().ThrowAsync<OperationCanceledException>();
        seen.Should().Be(3);
        (await ReadAsync(generator, Prompt(2, 4), Greedy)).Should().HaveCount(12, "the slot is free again");
    }

    [Fact]
    public async Task GenerateAsync_CancelledWhileWaiting_EndsWithoutAToken()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 1 });
        using var source = new CancellationTokenSource();
        await using var running = generator.GenerateAsync(Prompt(1, 4), Greedy with { MaxNewTokens = 100 }).GetAsyncEnumerator();
        await running.MoveNextAsync();
        await using var waiting = generator.GenerateAsync(Prompt(2, 4), Greedy, source.Token).GetAsyncEnumerator();
        var first = waiting.MoveNextAsync().AsTask();

        await source.CancelAsync();

        await first.Invoking(task => task).Should().ThrowAsync<OperationCanceledException>();
        (await running.MoveNextAsync()).Should().BeTrue("the other one goes on");
    }

    [Fact]
    public async Task GenerateAsync_CancelledBeforehand_ChoosesNothing()
    {
        using var generator = await LoadAsync(new InferenceOptions());

        await generator.Invoking(g => ReadAsync(g, Prompt(1, 4), Greedy, new CancellationToken(canceled: true))).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task GenerateAsync_EnumerationLeftEarly_FreesTheSlot()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 1 });
        await foreach (var _ in generator.GenerateAsync(Prompt(1, 4), Greedy with { MaxNewTokens = 100 })) break;

        (await ReadAsync(generator, Prompt(2, 4), Greedy)).Should().HaveCount(12);
    }

    [Fact]
    public async Task GenerateAsync_SecondTurn_TakesOverTheFirst()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 2, ContextLength = 128 });
        using var computing = await LoadAsync(new InferenceOptions { MaxConcurrency = 2, ContextLength = 128, ReusePrefixes = false });
        var prompt = Prompt(1, 30);
        var answer = Ids(await ReadAsync(generator, prompt, Greedy));
        int[] turn = [.. prompt, .. answer, .. Prompt(2, 9)];

        var second = await ReadAsync(generator, turn, Greedy);
        var computed = await ReadAsync(computing, prompt, Greedy);
        var computedSecond = await ReadAsync(computing, turn, Greedy);

        second[0].ReusedPromptTokens.Should().BeInRange(prompt.Length, prompt.Length + answer.Length);
        second.Skip(1).Should().AllSatisfy(token => token.ReusedPromptTokens.Should().Be(0));
        Ids(computed).Should().Equal(answer);
        Ids(computedSecond).Should().Equal(Ids(second));
        computedSecond[0].ReusedPromptTokens.Should().Be(0);
    }

    [Fact]
    public async Task GenerateAsync_PromptInUseByAnother_IsTakenOverAndHurtsNeither()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 4 });
        var prompt = Prompt(1, 40);
        int[][] prompts = [prompt, prompt, prompt[..25], [.. prompt[..33], .. Prompt(5, 6)], [.. prompt, 3]];
        var alone = new List<int[]>();
        using (var computing = await LoadAsync(new InferenceOptions { MaxConcurrency = 1, ReusePrefixes = false }))
        {
            foreach (var one in prompts) alone.Add(Ids(await ReadAsync(computing, one, Greedy)));
        }

        var together = await Task.WhenAll(prompts.Select(one => ReadAsync(generator, one, Greedy)));

        together.Select(Ids).Should().BeEquivalentTo(alone, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task Dispose_SequencesRunning_EndsThem()
    {
        var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 1, ContextLength = 128 });
        await using var running = generator.GenerateAsync(Prompt(1, 4), Greedy with { MaxNewTokens = 124 }).GetAsyncEnumerator();
        await running.MoveNextAsync();
        var waiting = Enumerable.Range(0, 4).Select(i => ReadAsync(generator, Prompt(i, 100), Greedy with { MaxNewTokens = 28 })).ToList();

        generator.Dispose();
        generator.Dispose();

        var drain = async () =>
        {
            while (await running.MoveNextAsync())
            {
                // What was chosen before the end may still come, if it was not all.
            }

            throw new ObjectDisposedException("all of it had been chosen");
        };
        await drain.Should().ThrowAsync<ObjectDisposedException>();
        foreach (var one in waiting.Where(task => !task.IsCompletedSuccessfully)) await one.Invoking(task => task).Should().ThrowAsync<ObjectDisposedException>();
        await generator.Invoking(g => ReadAsync(g, [1], Greedy)).Should().ThrowAsync<ObjectDisposedException>();
    }

    [Fact]
    public async Task ScoreAsync_GeneratedText_GivesTheLogProbabilitiesOfItsTokens()
    {
        using var generator = await LoadAsync(new InferenceOptions { ContextLength = 128 });
        var prompt = Prompt(1, 90);
        var tokens = await ReadAsync(generator, prompt, Plain(3));

        var scores = await generator.ScoreAsync([.. prompt, .. Ids(tokens)]);

        scores.Should().HaveCount(prompt.Length + tokens.Length - 1).And.AllSatisfy(score => score.Should().BeLessThanOrEqualTo(0));
        ShouldBeNear(scores[(prompt.Length - 1)..], [.. tokens.Select(token => token.LogProbability)], 1e-3f);
    }

    [Fact]
    public async Task ScoreAsync_WhileOthersDecode_GivesWhatItGivesAlone()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 2, ContextLength = 128 });
        var alone = await generator.ScoreAsync(Prompt(1, 100));
        var expected = Ids(await ReadAsync(generator, Prompt(2, 20), Greedy with { MaxNewTokens = 60 }));
        var others = Enumerable.Range(0, 3).Select(_ => ReadAsync(generator, Prompt(2, 20), Greedy with { MaxNewTokens = 60 })).ToList();

        var beside = await generator.ScoreAsync(Prompt(1, 100));

        ShouldBeNear(beside, alone, 1e-3f);
        (await Task.WhenAll(others)).Should().AllSatisfy(other => Ids(other).Should().Equal(expected));
    }

    [Fact]
    public async Task EmbedAsync_WhileOthersDecode_GivesWhatItGivesAlone()
    {
        using var generator = await LoadAsync(new InferenceOptions { MaxConcurrency = 2, ContextLength = 128 });
        var alone = await generator.EmbedAsync(Prompt(1, 100));
        var expected = Ids(await ReadAsync(generator, Prompt(2, 20), Greedy with { MaxNewTokens = 60 }));
        var others = Enumerable.Range(0, 3).Select(_ => ReadAsync(generator, Prompt(2, 20), Greedy with { MaxNewTokens = 60 })).ToList();

        var beside = await generator.EmbedAsync(Prompt(1, 100));
        var other = await generator.EmbedAsync(Prompt(3, 100));

        ShouldBeNear(beside, alone, 1e-4f);
        other.Zip(alone, (a, b) => Math.Abs(a - b)).Max().Should().BeGreaterThan(1e-3f, "another text has another vector");
        (await Task.WhenAll(others)).Should().AllSatisfy(answer => Ids(answer).Should().Equal(expected));
    }

    [Fact]
    public async Task ScoreAndEmbedAsync_UnusableTexts_SaySo()
    {
        using var generator = await LoadAsync(new InferenceOptions { ContextLength = 20 });

        await generator.Invoking(g => g.ScoreAsync([1])).Should().ThrowAsync<AlpacaException>();
        await generator.Invoking(g => g.ScoreAsync(Prompt(1, 21))).Should().ThrowAsync<AlpacaException>().WithMessage("*21*20*");
        await generator.Invoking(g => g.EmbedAsync([])).Should().ThrowAsync<AlpacaException>();
        await generator.Invoking(g => g.EmbedAsync([-2])).Should().ThrowAsync<AlpacaException>();
        await generator.Invoking(g => g.EmbedAsync([1], "nobody")).Should().ThrowAsync<AlpacaUsageException>();
        await generator.Invoking(g => g.EmbedAsync([1], cancellationToken: new CancellationToken(canceled: true))).Should().ThrowAsync<OperationCanceledException>();
    }
}
