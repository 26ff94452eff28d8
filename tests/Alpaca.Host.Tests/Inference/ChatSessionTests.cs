using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host.Tests;

public sealed class ChatSessionTests
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0, MaxNewTokens = 20 };

    [Fact]
    public async Task SayAsync_SecondTurn_SendsTheFirstAsWell()
    {
        var generator = new ScriptedGenerator("Beijing.", "Paris.");
        var chat = new ChatSession(generator.ToHandle()) { Options = Greedy };

        (await SayAsync(chat, "Capital of China?")).Should().Be("Beijing.");
        (await SayAsync(chat, "And of France?")).Should().Be("Paris.");

        generator.PromptIds[1].Should().Equal(PromptTemplate.Get("alpaca").EncodeChat(ScriptedGenerator.Tokenizer, [new("Capital of China?", "Beijing."), new("And of France?", null)]));
        chat.Turns.Should().HaveCount(2);
    }

    [Fact]
    public async Task SayAsync_ContextIsFull_ForgetsTheOldestTurnsOnly()
    {
        var generator = new ScriptedGenerator("fine") { ContextLength = 150 };
        var chat = new ChatSession(generator.ToHandle()) { Options = Greedy };

        for (var i = 0; i < 12; i++) await SayAsync(chat, $"number{i} please");

        chat.ForgottenTurns.Should().BeGreaterThan(0);
        generator.Prompts[^1].Should().Contain("number11 please").And.Contain("number10 please").And.NotContain("number0 please").And.StartWith("Below is an instruction");
        generator.Prompts.Should().OnlyContain(p => ScriptedGenerator.Tokenizer.Encode(p, true, false).Count + Greedy.MaxNewTokens <= 150);
    }

    [Fact]
    public async Task SayAsync_LastTurnLeavesLessThanPromised_IsAnsweredInTheRoomThereIs()
    {
        var generator = new ScriptedGenerator("one two three four five") { ContextLength = 2048 };
        var chat = new ChatSession(generator.ToHandle()) { Options = Greedy with { MaxNewTokens = 5000 } };

        (await SayAsync(chat, "Go on")).Should().Be("one two three four five");
    }

    [Fact]
    public async Task SayAsync_MessageLongerThanTheContext_SaysHowLongAndForgetsNothing()
    {
        var chat = new ChatSession(new ScriptedGenerator("x") { ContextLength = 120 }.ToHandle()) { Options = Greedy };
        await SayAsync(chat, "short");

        var saying = () => SayAsync(chat, string.Concat(Enumerable.Repeat("long ", 200)));

        await saying.Should().ThrowAsync<AlpacaException>().WithMessage("The message has * tokens*context ends at 120*");
        chat.Turns.Should().HaveCount(1);
    }

    [Fact]
    public async Task SayAsync_CancelledInTheMiddle_KeepsWhatWasSaid()
    {
        using var cancel = new CancellationTokenSource();
        var chat = new ChatSession(new ScriptedGenerator("one two three four five") { BeforeToken = i => { if (i == 4) cancel.Cancel(); } }.ToHandle()) { Options = Greedy };

        var saying = () => SayAsync(chat, "Count", cancel.Token);

        await saying.Should().ThrowAsync<OperationCanceledException>();
        chat.Turns.Should().ContainSingle().Which.Assistant.Should().StartWith("one").And.NotContain("five");
    }

    [Fact]
    public async Task Reset_AfterTurns_StartsAnew()
    {
        var generator = new ScriptedGenerator("Beijing.");
        var chat = new ChatSession(generator.ToHandle()) { Options = Greedy };
        await SayAsync(chat, "Capital of China?");

        chat.Reset();
        await SayAsync(chat, "Hello");

        generator.Prompts[1].Should().NotContain("China");
    }

    [Fact]
    public async Task SayAsync_ModelSpeaksForTheUser_EndsBefore()
        => (await SayAsync(new ChatSession(new ScriptedGenerator("Yes.\n\n### Instruction:\nAnd?").ToHandle()) { Options = Greedy with { MaxNewTokens = 100 } }, "Ok?")).Trim().Should().Be("Yes.");

    private static async Task<string> SayAsync(ChatSession chat, string message, CancellationToken cancellationToken = default)
    {
        var text = "";
        await foreach (var piece in chat.SayAsync(message, cancellationToken)) text += piece;
        return text;
    }
}
