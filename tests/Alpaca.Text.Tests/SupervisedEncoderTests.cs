namespace Alpaca.Text.Tests;

public sealed class SupervisedEncoderTests
{
    private static readonly LlamaTokenizer Tokenizer = Fixture.Tokenizer("base");
    private static readonly PromptTemplate Template = PromptTemplate.Get("alpaca");

    [Fact]
    public void Encode_Sample_LabelsTheAnswerAlone()
    {
        var source = Tokenizer.Encode(Template.Render("Sell shells", "by the sea"), addBos: true);
        var target = Tokenizer.Encode("the sea shore", addEos: true);
        var example = SupervisedEncoder.Encode(Conversation.Of("Sell shells", "by the sea", "the sea shore"), Tokenizer, Template, 4096);

        example.InputIds.Should().Equal([.. source, .. target]);
        example.InputIds[0].Should().Be(Tokenizer.BosId);
        example.InputIds[^1].Should().Be(Tokenizer.EosId);
        example.Labels.Should().Equal([.. Enumerable.Repeat(-100, source.Count), .. target]);
        // The prompt ends with a space and the answer begins with its own space mark; encoded in one piece the two would be other tokens.
        example.InputIds.Should().NotEqual(Tokenizer.Encode(Template.Render("Sell shells", "by the sea") + "the sea shore", addBos: true, addEos: true));
    }

    [Fact]
    public void Encode_TooLong_IsCutAtTheEnd()
    {
        var sample = Conversation.Of("Sell shells", null, "the sea shore");
        var whole = SupervisedEncoder.Encode(sample, Tokenizer, Template, 4096);
        for (var length = 1; length <= whole.InputIds.Length + 1; length++)
        {
            var cut = SupervisedEncoder.Encode(sample, Tokenizer, Template, length);
            cut.InputIds.Should().Equal(whole.InputIds.Take(length));
            cut.Labels.Should().Equal(whole.Labels.Take(length));
        }
    }

    [Fact]
    public void Encode_EmptyAnswer_IsTheEndAlone()
        => SupervisedEncoder.Encode(Conversation.Of("x", null, ""), Tokenizer, Template, 4096).Labels.Where(label => label != SupervisedEncoder.IgnoreIndex)
            .Should().Equal(2);

    [Fact]
    public void Encode_EndOfSequenceWithinTheText_IsText()
        => SupervisedEncoder.Encode(Conversation.Of("</s>", null, "a</s>b"), Tokenizer, Template, 4096).InputIds.Count(id => id == 2).Should().Be(1);

    [Theory]
    [InlineData("alpaca")]
    [InlineData("alpaca-inference")]
    [InlineData("llama2")]
    public void Encode_Conversation_LearnsEveryAnswerAfterThePromptThatChatGives(string name)
    {
        var template = PromptTemplate.Get(name);
        ChatTurn[] turns = [new("Sell shells", "the sea shore"), new("More</s>", "by the sea"), new("Why", "x")];

        var example = SupervisedEncoder.Encode(new Conversation(turns, "S"), Tokenizer, template, 4096);

        example.Labels.Where(label => label != SupervisedEncoder.IgnoreIndex).Should().Equal(turns.SelectMany(turn => Tokenizer.Encode(turn.Assistant!, addEos: true)));
        for (var i = 0; i < turns.Length; i++)
        {
            var prompt = template.EncodeChat(Tokenizer, [.. turns.Take(i), turns[i] with { Assistant = null }], "S");
            example.InputIds.Take(prompt.Count).Should().Equal(prompt);
            example.Labels[prompt.Count - 1].Should().Be(SupervisedEncoder.IgnoreIndex);
            example.Labels[prompt.Count].Should().Be(example.InputIds[prompt.Count]);
        }
    }
}
