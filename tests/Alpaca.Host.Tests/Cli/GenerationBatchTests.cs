using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

public sealed class GenerationBatchTests
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0, MaxNewTokens = 30 };

    [Fact]
    public async Task AnswerAsync_OneIsSlow_TellsNoneAfterItBeforeIt()
    {
        using var slowMayGo = new SemaphoreSlim(0);
        var waiting = 0;
        var generator = new EchoingGenerator("yes") { Pace = cancellationToken => Interlocked.Increment(ref waiting) == 1 ? slowMayGo.WaitAsync(cancellationToken) : Task.CompletedTask };
        var told = new List<string>();

        var answering = new GenerationBatch(Handle(generator), Greedy, [], answersEach: 1, concurrency: 3).AnswerAsync(Prompts("a", "b", "c"), (prompt, _) => told.Add(prompt.Given), default);
        await UntilAsync(() => generator.Running == 1 && generator.Asked.Count == 3); // whichever asked for a token first
        slowMayGo.Release();
        await answering;

        told.Should().Equal("a", "b", "c");
    }

    [Fact]
    public async Task AnswerAsync_MorePromptsThanPlaces_AsksNoMoreAtATime()
    {
        var most = 0;
        EchoingGenerator generator = null!;
        generator = new EchoingGenerator("one two three") { Pace = _ => Task.FromResult(most = Math.Max(most, generator.Running)) };

        await new GenerationBatch(Handle(generator), Greedy, [], answersEach: 1, concurrency: 2).AnswerAsync(Prompts([.. Enumerable.Range(0, 20).Select(i => $"{i}")]), (_, _) => { }, default);

        most.Should().BeInRange(1, 2);
        generator.Asked.Should().HaveCount(20);
    }

    [Fact]
    public async Task AnswerAsync_SeveralAnswersEach_CountTheSeedUpAndStayTogether()
    {
        var generator = new EchoingGenerator("yes");
        var told = new List<string>();

        await new GenerationBatch(Handle(generator), Greedy with { Seed = 7 }, [], answersEach: 3, concurrency: 1).AnswerAsync(Prompts("a", "b"), (prompt, answer) => told.Add(prompt.Given + answer.Text), default);

        told.Should().Equal("ayes", "ayes", "ayes", "byes", "byes", "byes");
        generator.Asked.Select(a => a.Options.Seed).Should().Equal(7, 8, 9, 7, 8, 9);
    }

    [Fact]
    public async Task AnswerAsync_StopText_EndsBeforeIt()
    {
        var told = new List<string>();

        await new GenerationBatch(Handle(new EchoingGenerator("one two three")), Greedy, ["o thr"], answersEach: 1, concurrency: 1).AnswerAsync(Prompts("a"), (_, answer) => told.Add(answer.Text), default);

        told.Should().Equal("one tw");
    }

    [Fact]
    public async Task AnswerAsync_OneFails_EndsTheOthersAndSaysWhy()
    {
        var generator = new EchoingGenerator(null) { Failure = (3, new AlpacaException("The device is gone.")) };

        var answering = () => new GenerationBatch(Handle(generator), Greedy, [], answersEach: 1, concurrency: 2).AnswerAsync(Prompts("a", "b", "c"), (_, _) => { }, default);

        await answering.Should().ThrowAsync<AlpacaException>().WithMessage("The device is gone.");
        generator.Running.Should().Be(0);
    }

    [Fact]
    public void Check_PromptThatFillsTheContext_NamesIt()
    {
        var model = Handle(new EchoingGenerator("x") { ContextLength = 3 });

        var checking = () => new GenerationPrompt("q", "q", [1, 2, 3]).Check(model, "Prompt 4 of the data file");

        checking.Should().Throw<AlpacaException>().WithMessage("Prompt 4 of the data file has 3 tokens*context of 3*");
    }

    private static ModelHandle Handle(EchoingGenerator generator)
        => new("models/scripted", "Scripted", generator, ScriptedGenerator.Tokenizer, Alpaca.Text.PromptTemplate.Get("alpaca"), [ScriptedGenerator.Tokenizer.EosId!.Value]);

    private static List<GenerationPrompt> Prompts(params string[] texts) => [.. texts.Select(t => new GenerationPrompt(t, t, ScriptedGenerator.Tokenizer.Encode(t, addBos: true)))];

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!condition()) await Task.Delay(5, limit.Token);
    }
}
