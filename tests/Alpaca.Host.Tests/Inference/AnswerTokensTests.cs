using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

public sealed class AnswerTokensTests
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0 };

    [Theory]
    [InlineData("Hello there, 饕餮在北京😀。")]
    [InlineData(" two spaces before")]
    [InlineData("饕")]
    public async Task AnswerInPiecesAsync_Tokens_BytesMakeUpTheText(string said)
    {
        var (pieces, answer) = await ReadAsync(new ScriptedGenerator(said));

        pieces.Should().AllSatisfy(piece => piece.Text.Should().NotContain("\uFFFD"));
        string.Concat(pieces.Select(piece => piece.Text)).Should().Be(said);
        Encoding.UTF8.GetString([.. answer.Tokens.SelectMany(token => token.Bytes.ToArray())]).Should().Be(said);
        answer.Tokens.Select(token => token.Id).Should().Equal(answer.Ids);
        pieces.SelectMany(piece => piece.Tokens).Should().Equal(answer.Tokens);
        foreach (var piece in pieces) Encoding.UTF8.GetString([.. piece.Tokens.SelectMany(token => token.Bytes.ToArray())]).Should().Be(piece.Text);
    }

    [Fact]
    public async Task AnswerInPiecesAsync_StopString_TakesBackItsTokens()
    {
        var (pieces, answer) = await ReadAsync(new ScriptedGenerator("Beijing.\n### Instruction:\nmore"), ["### Instruction:"]);

        answer.Tokens.Count.Should().BeLessThan(answer.Ids.Count);
        answer.Text.Should().Be("Beijing.\n");
        var tokens = string.Concat(answer.Tokens.Select(token => token.Text));
        answer.Text.Should().StartWith(tokens).And.NotContain("#");
        string.Concat(pieces.Select(piece => piece.Text)).Should().Be("Beijing.\n");
    }

    [Fact]
    public async Task AnswerInPiecesAsync_HeldBackForAStopStringThatDoesNotCome_GivesItsTokensWithTheText()
    {
        var (pieces, answer) = await ReadAsync(new ScriptedGenerator("Beijing ### Inst."), ["### Instruction:"]);

        answer.Text.Should().Be("Beijing ### Inst.");
        answer.Tokens.Select(token => token.Id).Should().Equal(answer.Ids);
        pieces.Should().OnlyContain(piece => piece.Text.Length > 0);
    }

    [Fact]
    public async Task AnswerInPiecesAsync_SpecialTokens_HaveANameAndNoBytes()
    {
        var end = ScriptedGenerator.Tokenizer.EosId!.Value;
        using var model = new AlternativesGenerator(end).ToHandle();
        var answer = new Answer();
        await foreach (var _ in model.AnswerInPiecesAsync([1, 2, 3], Greedy, answer)) { }

        var alternatives = answer.Tokens[0].Alternatives;
        (alternatives[0].Text, alternatives[0].Bytes.Length, alternatives[0].LogProbability).Should().Be(("</s>", 0, -0.5f));
        (answer.PromptTokens, answer.ReusedPromptTokens).Should().Be((3, 2));
    }

    [Fact]
    public async Task AnswerSeveralAsync_Seed_RunsEachWithTheNextSeed()
    {
        var generator = new ScriptedGenerator("one", "two words", "three 饕餮");
        Answer[] answers = [new(), new(), new()];
        var texts = new string[3];
        var ended = new List<int>();
        await foreach (var (index, piece) in generator.ToHandle().AnswerSeveralAsync([1, 2], Greedy with { Seed = int.MaxValue }, answers))
        {
            if (piece is null) ended.Add(index);
            else texts[index] += piece.Text;
        }

        texts.Should().BeEquivalentTo("one", "two words", "three 饕餮");
        answers.Select(answer => answer.Text).Should().Equal(texts);
        answers.Should().AllSatisfy(answer => answer.FinishReason.Should().Be(FinishReason.Stop));
        generator.Options.Select(options => options.Seed).Should().BeEquivalentTo(new int?[] { int.MaxValue, int.MinValue, int.MinValue + 1 });
        ended.Should().BeEquivalentTo([0, 1, 2]);
    }

    [Fact]
    public async Task AnswerSeveralAsync_OneFails_EndsAllWithItsError()
    {
        var count = 0;
        var generator = new ScriptedGenerator("one two three four five six seven eight nine ten") { BeforeToken = _ => { if (Interlocked.Increment(ref count) == 7) throw new AlpacaException("broken"); } };

        var reading = async () =>
        {
            await foreach (var _ in generator.ToHandle().AnswerSeveralAsync([1, 2], Greedy, [new Answer(), new Answer()])) { }
        };

        await reading.Should().ThrowAsync<AlpacaException>().WithMessage("broken");
    }

    [Fact]
    public async Task AnswerSeveralAsync_ReaderLeavesOrCancels_EndsAll()
    {
        using var cancel = new CancellationTokenSource();
        Answer[] answers = [new(), new()];
        await foreach (var _ in new ScriptedGenerator("one two three four five six").ToHandle().AnswerSeveralAsync([1, 2], Greedy, answers)) break;

        var reading = async () =>
        {
            await foreach (var _ in new ScriptedGenerator("one two three four five six").ToHandle().AnswerSeveralAsync([1, 2], Greedy, answers, cancellationToken: cancel.Token)) await cancel.CancelAsync();
        };

        await reading.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public void ChatPromptFit_ManyTurns_ForgetsNoMoreThanItMust()
    {
        var model = new ScriptedGenerator("x") { ContextLength = 400 }.ToHandle();
        List<Text.ChatTurn> turns = [.. Enumerable.Range(0, 300).Select(i => new Text.ChatTurn($"question {i}", i == 299 ? null : $"answer {new string('x', i % 7)}"))];

        var prompt = ChatPrompt.Fit(model, turns, "Be brief.", 50);

        prompt.Ids.Count.Should().BeLessThanOrEqualTo(350);
        model.Template.EncodeChat(model.Tokenizer, [.. turns.Skip(prompt.ForgottenTurns - 1)], "Be brief.").Count.Should().BeGreaterThan(350, "one turn more would have had no room");
        model.Tokenizer.Decode(prompt.Ids).Should().StartWith("Be brief.").And.Contain("question 299");
    }

    private static async Task<(List<AnswerPiece> Pieces, Answer Answer)> ReadAsync(ScriptedGenerator generator, IReadOnlyList<string>? stopStrings = null)
    {
        var pieces = new List<AnswerPiece>();
        var answer = new Answer();
        await foreach (var piece in generator.ToHandle().AnswerInPiecesAsync([1, 5, 6], Greedy, answer, stopStrings)) pieces.Add(piece);
        return (pieces, answer);
    }

    /// <summary>Says one token, in whose place the end would have been likely too.</summary>
    private sealed class AlternativesGenerator(int end) : ITextGenerator
    {
        public int VocabularySize => ScriptedGenerator.Tokenizer.VocabularySize;

        public int ContextLength => 100;

        public ModelHandle ToHandle() => new("models/scripted", "Scripted", this, ScriptedGenerator.Tokenizer, Text.PromptTemplate.Get("alpaca"), [end]);

        public async IAsyncEnumerable<GeneratedToken> GenerateAsync(
            IReadOnlyList<int> promptIds, GenerationOptions options, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            yield return new GeneratedToken(ScriptedGenerator.Tokenizer.Encode("Hi")[0], -1) { Alternatives = new TokenLogProbability[] { new(end, -0.5f) }, ReusedPromptTokens = 2 };
        }

        public void Dispose()
        {
        }
    }
}
