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

    [NodeTheory("@huggingface/jinja")]
    [InlineData("alpaca")]
    [InlineData("alpaca-inference")]
    [InlineData("llama2")]
    [InlineData("llama3")]
    public async Task ToJinja_Conversation_WritesWhatRenderChatWrites(string name)
    {
        var template = PromptTemplate.Get(name).ToJinja();
        var cases = Conversations.SelectMany(turns => new[] { (turns, System: (string?)null), (turns, System: "Be brief."), (turns, System: "") }).ToList();
        using var texts = await NodeModules.RunAsync("render.mjs", cases.Select(sample => new
        {
            template,
            values = new { messages = Messages(sample.turns, sample.System), bos_token = "<s>", eos_token = "</s>", add_generation_prompt = true },
        }));
        texts.RootElement.EnumerateArray().Select(text => text.GetString())
            .Should().Equal(cases.Select(sample => "<s>" + PromptTemplate.Get(name).RenderChat(sample.turns, sample.System)));
    }

    [NodeFact("@huggingface/jinja")]
    public async Task ToJinja_AnsweredConversation_EndsWithTheAnswer()
    {
        using var texts = await NodeModules.RunAsync("render.mjs", new[] { "alpaca", "llama2" }.Select(name => new
        {
            template = PromptTemplate.Get(name).ToJinja(),
            values = new { messages = Messages([new("Q", "A")], "S"), bos_token = "<s>", eos_token = "</s>", add_generation_prompt = false },
        }));
        texts.RootElement.EnumerateArray().Select(text => text.GetString())
            .Should().Equal("<s>S\n\n### Instruction:\nQ\n\n### Response: A</s>", "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nQ [/INST] A</s>");
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
