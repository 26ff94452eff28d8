using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

public sealed class AnswerStreamTests
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0 };

    [Fact]
    public async Task AnswerAsync_ChineseSpeltInBytes_GivesWholeCharactersOnly()
    {
        var (pieces, answer) = await ReadAsync(new ScriptedGenerator("饕餮在北京😀。"));

        pieces.Should().NotContain(p => p.Contains('\uFFFD', StringComparison.Ordinal)).And.HaveCountGreaterThan(3);
        string.Concat(pieces).Should().Be("饕餮在北京😀。").And.Be(answer.Text);
        answer.FinishReason.Should().Be(FinishReason.Stop);
        ScriptedGenerator.Tokenizer.Decode(answer.Ids).Should().Be("饕餮在北京😀。");
    }

    [Fact]
    public async Task AnswerAsync_CutInsideACharacter_LeavesItOutAndEndsByLength()
    {
        var (_, answer) = await ReadAsync(new ScriptedGenerator("饕饕饕"), Greedy with { MaxNewTokens = 3 });

        answer.Ids.Should().HaveCount(3);
        answer.FinishReason.Should().Be(FinishReason.Length);
        answer.Text.Should().Be(ScriptedGenerator.Tokenizer.Decode(answer.Ids).TrimEnd('\uFFFD')).And.NotContain("\uFFFD");
        answer.Tokens.Select(token => token.Id).Should().Equal(answer.Ids);
    }

    [Fact]
    public async Task AnswerAsync_ContextEnds_EndsByLength()
    {
        var (_, answer) = await ReadAsync(new ScriptedGenerator("one two three four five six seven eight") { ContextLength = 8 });

        answer.FinishReason.Should().Be(FinishReason.Length);
    }

    [Theory]
    [InlineData("Beijing.\n### Instruction:\nmore", "Beijing.\n")]
    [InlineData("Beijing ### Inst.", "Beijing ### Inst.")]
    [InlineData("Beijing ###", "Beijing ###")]
    public async Task AnswerAsync_StopStringOverSeveralTokens_EndsBeforeItAndLosesNothingElse(string said, string expected)
    {
        var (pieces, answer) = await ReadAsync(new ScriptedGenerator(said), stopStrings: ["### Instruction:"]);

        string.Concat(pieces).Should().Be(expected);
        answer.FinishReason.Should().Be(FinishReason.Stop);
    }

    [Fact]
    public async Task AnswerAsync_LogitsAskedFor_KeepsThoseOfTheFirstToken()
    {
        var (_, answer) = await ReadAsync(new ScriptedGenerator("Hello"), Greedy with { ReturnLogits = true });

        answer.FirstLogits.ToArray().Should().Equal(0, answer.Ids[0]);
    }

    [Fact]
    public async Task AnswerAsync_ModelWithoutTokenizer_GivesIdsAndNoText()
    {
        var answer = new Answer();
        await foreach (var _ in new ScriptedGenerator("Hello").ToHandle(withTokenizer: false).AnswerAsync([1, 2], Greedy, answer)) throw new InvalidOperationException("There is no text.");

        answer.Ids.Should().NotBeEmpty();
        answer.Text.Should().BeEmpty();
    }

    private static async Task<(List<string> Pieces, Answer Answer)> ReadAsync(ScriptedGenerator generator, GenerationOptions? options = null, IReadOnlyList<string>? stopStrings = null)
    {
        var pieces = new List<string>();
        var answer = new Answer();
        await foreach (var piece in generator.ToHandle().AnswerAsync([1, 5, 6], options ?? Greedy, answer, stopStrings)) pieces.Add(piece);
        return (pieces, answer);
    }
}
