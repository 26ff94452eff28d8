using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Tokenizers.Tests;

public class ChatTemplateTests
{
    private static readonly ChatTurn[][] Conversations =
    [
        [new("你好 {{ x }}", null)],
        [new("One", "1"), new("Two\nlines", null)],
        [new("Unanswered", null), new("Asked again", null)],
        [new("a", "b"), new("c", null), new("d", "e"), new("f ", null)],
    ];

    [NodeTheory]
    [InlineData("alpaca")]
    [InlineData("alpaca-inference")]
    [InlineData("llama2")]
    public async Task Get_OfAPromptTemplate_WritesWhatThatWrites(string name)
    {
        var template = ChatTemplates.Get(name);
        var cases = Conversations.SelectMany(turns => new[] { (turns, System: (string?)null), (turns, System: "Be brief.") }).ToList();
        using var texts = await NodeModules.RunAsync("render.mjs", cases.Select(sample => new
        {
            template,
            values = new { messages = Messages(sample.turns, sample.System), bos_token = "<s>", eos_token = "</s>", add_generation_prompt = true },
        }));
        texts.RootElement.EnumerateArray().Select(text => text.GetString())
            .Should().Equal(cases.Select(sample => "<s>" + PromptTemplate.Get(name).RenderChat(sample.turns, sample.System)));
    }

    [NodeFact]
    public async Task Get_AnsweredConversation_EndsWithTheAnswer()
    {
        using var texts = await NodeModules.RunAsync("render.mjs", new[] { "alpaca", "llama2" }.Select(name => new
        {
            template = ChatTemplates.Get(name),
            values = new { messages = Messages([new("Q", "A")], "S"), bos_token = "<s>", eos_token = "</s>", add_generation_prompt = false },
        }));
        texts.RootElement.EnumerateArray().Select(text => text.GetString())
            .Should().Equal("<s>S\n\n### Instruction:\nQ\n\n### Response: A\n\n", "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nQ [/INST] A</s>");
    }

    [NodeFact]
    public async Task Get_Llama3_WritesHeadersAndEndsOfTurns()
    {
        using var texts = await NodeModules.RunAsync("render.mjs", new[]
        {
            new { template = ChatTemplates.Get("llama3"), values = new { messages = Messages([new(" Hi ", null)], "S"), bos_token = "<|begin_of_text|>", add_generation_prompt = true } },
        });
        texts.RootElement[0].GetString().Should().Be(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
    }

    [Fact]
    public void Names_EveryPromptTemplate_HasAChatTemplate() => ChatTemplates.Names.Should().Contain(PromptTemplate.Names).And.Contain("llama3");

    [Fact]
    public void Get_UnknownName_ListsThoseThatAre()
    {
        var get = () => ChatTemplates.Get("vicuna");
        get.Should().Throw<AlpacaUsageException>().WithMessage("*'vicuna'*alpaca, alpaca-inference, llama2, llama3*");
    }

    private static List<object> Messages(ChatTurn[] turns, string? system)
    {
        var messages = new List<object>();
        if (system is not null) messages.Add(new { role = "system", content = system });
        foreach (var turn in turns)
        {
            messages.Add(new { role = "user", content = turn.User });
            if (turn.Assistant is { } answer) messages.Add(new { role = "assistant", content = answer });
        }
        return messages;
    }
}
