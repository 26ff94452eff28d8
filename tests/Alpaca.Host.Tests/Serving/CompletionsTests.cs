using System.Text.Json;

namespace Alpaca.Host.Tests;

public sealed class CompletionsTests
{
    private const string Path = "/v1/completions";

    [Fact]
    public async Task Post_Prompt_IsContinuedWithoutATemplate()
    {
        await using var bench = await ServedBench.StartAsync();

        var answer = await bench.AskAsync(Path, """{ "prompt": "首都是", "max_tokens": 20 }""");

        answer.GetProperty("id").GetString().Should().StartWith("cmpl-");
        answer.GetProperty("object").GetString().Should().Be("text_completion");
        answer.GetProperty("choices")[0].GetProperty("text").GetString().Should().Be("北京。");
        answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString().Should().Be("stop");
        bench.Generator.Asked.Single().PromptIds.Should().Equal(ScriptedGenerator.Tokenizer.Encode("首都是", addBos: true));
    }

    [Theory]
    [InlineData("""["one", "two"]""")]
    [InlineData("[[1, 306], [1, 307]]")]
    public async Task Post_SeveralPrompts_AreNumberedInOrder(string prompts)
    {
        await using var bench = await ServedBench.StartAsync();

        var answer = await bench.AskAsync(Path, $$"""{ "prompt": {{prompts}}, "n": 2, "seed": 5 }""");

        answer.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()).Should().Equal(0, 1, 2, 3);
        answer.GetProperty("choices").EnumerateArray().Should().OnlyContain(choice => choice.GetProperty("text").GetString() == "北京。");
        bench.Generator.Asked.Select(asked => asked.Options.Seed).Should().BeEquivalentTo([5, 6, 5, 6]);
        var prompt = bench.Generator.Asked.Select(asked => asked.PromptIds).DistinctBy(ids => string.Join(' ', ids)).Sum(ids => ids.Count);
        answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32().Should().Be(prompt);
    }

    [Fact]
    public async Task Post_TokenIds_AreTakenAsTheyAre()
    {
        await using var bench = await ServedBench.StartAsync();

        await bench.AskAsync(Path, """{ "prompt": [1, 306, 307] }""");

        bench.Generator.Asked.Single().PromptIds.Should().Equal(1, 306, 307);
    }

    [Fact]
    public async Task Post_Streamed_GivesTextAndReasonAndDone()
    {
        await using var bench = await ServedBench.StartAsync();

        var events = await bench.StreamAsync(Path, """{ "prompt": ["one", "two"], "stream": true, "echo": true, "stream_options": { "include_usage": true } }""");

        events[^1].Should().Be("[DONE]");
        var parts = events[..^1].ConvertAll(data => JsonDocument.Parse(data).RootElement);
        parts[^1].GetProperty("usage").GetProperty("total_tokens").GetInt32().Should().BePositive();
        for (var i = 0; i < 2; i++)
        {
            var own = parts[..^1].Select(part => part.GetProperty("choices")[0]).Where(choice => choice.GetProperty("index").GetInt32() == i).ToList();
            string.Concat(own.Select(choice => choice.GetProperty("text").GetString())).Should().Be((i == 0 ? "one" : "two") + "北京。");
            own[^1].GetProperty("finish_reason").GetString().Should().Be("stop");
        }
    }

    [Fact]
    public async Task Post_EchoWithLogprobs_WeighsThePromptToo()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("three four"));

        var choice = (await bench.AskAsync(Path, """{ "prompt": "one two", "echo": true, "logprobs": 2 }""")).GetProperty("choices")[0];

        choice.GetProperty("text").GetString().Should().Be("one twothree four");
        var logprobs = choice.GetProperty("logprobs");
        var prompt = ScriptedGenerator.Tokenizer.Encode("one two");
        var tokens = logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()).ToList();
        string.Concat(tokens).Should().Be("one twothree four");
        tokens.Should().HaveCount(prompt.Count + ScriptedGenerator.Tokenizer.Encode("three four").Count);
        logprobs.GetProperty("token_logprobs").EnumerateArray().Take(prompt.Count).Select(value => value.GetSingle()).Should().Equal(prompt.Select(id => -id / 1000f));
        logprobs.GetProperty("token_logprobs").EnumerateArray().Skip(prompt.Count).Should().OnlyContain(value => value.GetSingle() == -0.5f);
        logprobs.GetProperty("top_logprobs").EnumerateArray().Skip(prompt.Count).Should().OnlyContain(top => top.GetPropertyCount() == 2);
        var offsets = logprobs.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32()).ToList();
        offsets.Should().Equal(tokens.Select((_, i) => tokens.Take(i).Sum(token => token!.Length)));
    }

    [Theory]
    [InlineData("\"suffix\": \"end\", \"prompt\": \"x\"", "suffix")]
    [InlineData("\"best_of\": 3, \"prompt\": \"x\"", "best_of")]
    [InlineData("\"logprobs\": 21, \"prompt\": \"x\"", "logprobs")]
    [InlineData("\"echo\": 1, \"prompt\": \"x\"", "echo")]
    [InlineData("\"n\": 1", "prompt")]
    [InlineData("\"prompt\": \"\"", "prompt")]
    [InlineData("\"prompt\": []", "prompt")]
    [InlineData("\"prompt\": [-1]", "prompt")]
    [InlineData("\"prompt\": [1, \"x\"]", "prompt")]
    [InlineData("\"prompt\": [1, 9999999]", "prompt")]
    [InlineData("\"prompt\": { }", "prompt")]
    public async Task Post_ImpossibleValue_NamesTheField(string fields, string name)
    {
        await using var bench = await ServedBench.StartAsync();

        (await bench.AskAsync(Path, $"{{ {fields} }}", 400)).GetProperty("error").GetProperty("param").GetString().Should().Be(name);
    }

    [Fact]
    public async Task Post_OneOfSeveralPromptsFails_EndsTheOthersAndSaysSo()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator(null) { Failure = (20, new InvalidOperationException("x")) });

        await bench.AskAsync(Path, """{ "prompt": ["one", "two", "three"], "n": 2 }""", 500);

        await bench.IdleAsync();
    }
}
