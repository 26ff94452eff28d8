using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class PromptTemplateTests
{
    private const string Task = "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

    [Fact]
    public void Render_Alpaca_IsTheTrainingPrompt()
        => PromptTemplate.Get("alpaca").Render("Sing.").Should().Be($"{Task}\n\n### Instruction:\nSing.\n\n### Response: ");

    [Fact]
    public void Render_AlpacaInference_IsThePromptOfTheInferenceScript()
        => PromptTemplate.Get("alpaca-inference").Render("Sing.").Should().Be($"{Task}\n\n### Instruction:\n\nSing.\n\n### Response:\n\n");

    [Fact]
    public void Render_Llama2_IsThePromptOfChineseAlpaca2()
        => PromptTemplate.Get("llama2").Render("Sing.").Should()
            .Be("[INST] <<SYS>>\nYou are a helpful assistant. 你是一个乐于助人的助手。\n<</SYS>>\n\nSing. [/INST]");

    [Theory]
    [InlineData("a {song}", "a {song}\nin C")]
    [InlineData("", "\nin C")]
    public void Render_Input_GoesOnItsOwnLine(string instruction, string expected)
        => PromptTemplate.Get("alpaca").Render(instruction, "in C").Should().Contain($"### Instruction:\n{expected}\n\n### Response");

    [Fact]
    public void Render_EmptyInput_IsLeftOut()
        => PromptTemplate.Get("alpaca").Render("x", "").Should().Be(PromptTemplate.Get("alpaca").Render("x"));

    [Fact]
    public void RenderChat_OneTurn_IsRender()
    {
        foreach (var template in PromptTemplate.Names.Select(PromptTemplate.Get))
            template.RenderChat([new ChatTurn("x", null)], system: null).Should().Be(template.Render("x"));
    }

    [Theory]
    [InlineData("alpaca", "S\n\n### Instruction:\na\n\n### Response: b</s>\n\n### Instruction:\nc\n\n### Response: ")]
    [InlineData("alpaca-inference", "S\n\n### Instruction:\n\na\n\n### Response:\n\nb</s>\n\n### Instruction:\n\nc\n\n### Response:\n\n")]
    [InlineData("llama2", "[INST] <<SYS>>\nS\n<</SYS>>\n\na [/INST] b</s><s>[INST] c [/INST]")]
    [InlineData("llama3", "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\na<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nc<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n")]
    public void RenderChat_TwoTurns_KeepsTheHistory(string name, string expected)
        => PromptTemplate.Get(name).RenderChat([new ChatTurn("a", "b"), new ChatTurn("c", null)], "S").Should().Be(expected);

    [Fact]
    public void RenderChat_UnansweredTurn_IsAskedTogetherWithTheNext()
        => PromptTemplate.Get("alpaca").RenderChat([new ChatTurn("a", null), new ChatTurn("b", null)], "S").Should().Be("S\n\n### Instruction:\na\nb\n\n### Response: ");

    [Fact]
    public void RenderChat_NothingToAnswer_Throws()
    {
        FluentActions.Invoking(() => PromptTemplate.Get("alpaca").RenderChat([], null)).Should().Throw<AlpacaException>();
        FluentActions.Invoking(() => PromptTemplate.Get("alpaca").RenderChat([new ChatTurn("a", "b")], null)).Should().Throw<AlpacaException>();
    }

    [Fact]
    public void EncodeChat_Llama2_EndsEachAnswerWithTheToken()
    {
        var tokenizer = Fixture.Tokenizer("base");
        var template = PromptTemplate.Get("llama2");
        var ids = template.EncodeChat(tokenizer, [new ChatTurn("a</s>", "b"), new ChatTurn("c", null)], "S");
        ids.Should().Equal([
            .. tokenizer.Encode("[INST] <<SYS>>\nS\n<</SYS>>\n\na</s> [/INST] b", addBos: true, addEos: true),
            .. tokenizer.Encode("[INST] c [/INST]", addBos: true)]);
        ids.Count(id => id == tokenizer.EosId).Should().Be(1, "what people write does not end a sequence");
    }

    [Theory]
    [InlineData("alpaca", "### Instruction:\na\n\n### Response: ")]
    [InlineData("alpaca-inference", "### Instruction:\n\na\n\n### Response:\n\n")]
    [InlineData("llama2", "[INST] a [/INST]")]
    public void RenderChat_EmptySystem_LeavesTheSystemPartOut(string name, string expected)
        => PromptTemplate.Get(name).RenderChat([new ChatTurn("a", null)], "").Should().Be(expected);

    [Fact]
    public void EncodeChat_OneQuestion_IsTheEncodedPrompt()
    {
        var tokenizer = Fixture.Tokenizer("base");
        foreach (var template in PromptTemplate.Names.Where(name => name != "llama3").Select(PromptTemplate.Get))
            template.EncodeChat(tokenizer, [new ChatTurn("a", null)]).Should().Equal(tokenizer.Encode(template.Render("a"), addBos: true));
    }

    [Fact]
    public void EncodeChat_LaterTurn_BeginsWithWhatWasSaidBefore()
    {
        var tokenizer = Fixture.Tokenizer("base");
        foreach (var template in PromptTemplate.Names.Where(name => name != "llama3").Select(PromptTemplate.Get))
        {
            var first = template.EncodeChat(tokenizer, [new ChatTurn("Sell shells.", null)]);
            var second = template.EncodeChat(tokenizer, [new ChatTurn("Sell shells.", "the sea shore"), new ChatTurn("More.", null)]);
            second.Take(first.Count + tokenizer.Encode("the sea shore", addEos: true).Count).Should()
                .Equal([.. first, .. tokenizer.Encode("the sea shore", addEos: true)], "a key-value cache of the first turn then serves the second one, in {0}", template.Name);
        }
    }

    [Fact]
    public void EncodeChat_TokenNotInTheVocabulary_NamesTemplateAndToken()
        => FluentActions.Invoking(() => PromptTemplate.Get("llama3").EncodeChat(Fixture.Tokenizer("base"), [new ChatTurn("a", null)]))
            .Should().Throw<AlpacaException>().WithMessage("*'llama3'*<|start_header_id|>*");

    [Fact]
    public void Get_UnknownName_ListsTheTemplates()
        => FluentActions.Invoking(() => PromptTemplate.Get("chatml")).Should().Throw<AlpacaUsageException>().WithMessage("*chatml*alpaca, alpaca-inference, llama2, llama3*");
}
