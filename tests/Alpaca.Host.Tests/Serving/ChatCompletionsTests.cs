using System.Text;
using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

public sealed class ChatCompletionsTests
{
    private const string Path = "/v1/chat/completions";

    [Fact]
    public async Task Post_Question_IsAnsweredWithUsage()
    {
        await using var bench = await ServedBench.StartAsync();

        var answer = await bench.AskAsync(Path, ServedBench.Chat("\"model\": \"scripted\", \"user\": \"me\", \"unknown\": [1]"));

        answer.GetProperty("id").GetString().Should().StartWith("chatcmpl-");
        answer.GetProperty("object").GetString().Should().Be("chat.completion");
        answer.GetProperty("created").GetInt64().Should().BePositive();
        answer.GetProperty("model").GetString().Should().Be("scripted");
        var choice = answer.GetProperty("choices").EnumerateArray().Single();
        choice.GetProperty("index").GetInt32().Should().Be(0);
        choice.GetProperty("message").ToString().Should().Be("""{"role":"assistant","content":"北京。"}""");
        choice.GetProperty("finish_reason").GetString().Should().Be("stop");
        choice.GetProperty("logprobs").ValueKind.Should().Be(JsonValueKind.Null);
        var usage = answer.GetProperty("usage");
        var prompt = bench.Generator.Asked.Single().PromptIds;
        usage.GetProperty("prompt_tokens").GetInt32().Should().Be(prompt.Count);
        usage.GetProperty("completion_tokens").GetInt32().Should().Be(ScriptedGenerator.Tokenizer.Encode("北京。").Count);
        usage.GetProperty("total_tokens").GetInt32().Should().Be(usage.GetProperty("prompt_tokens").GetInt32() + usage.GetProperty("completion_tokens").GetInt32());
        usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32().Should().Be(3);
        ScriptedGenerator.Tokenizer.Decode(prompt).Should().Contain("中国的首都是哪里？").And.Contain("### Response:");
    }

    [Fact]
    public async Task Post_NoFields_TakesTheOriginalDefaults()
    {
        await using var bench = await ServedBench.StartAsync();

        await bench.AskAsync(Path, ServedBench.Chat());

        var defaults = new GenerationOptions();
        bench.Generator.Asked.Single().Options.Should().BeEquivalentTo(defaults, options => options.Excluding(o => o.StopIds));
    }

    [Fact]
    public async Task Post_EveryField_ReachesTheModel()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("x") { Adapters = ["poems"] });

        await bench.AskAsync(Path, ServedBench.Chat("""
            "model": "poems", "temperature": 1.5, "top_p": 0.5, "top_k": 7, "min_p": 0.25, "repetition_penalty": 1.25, "presence_penalty": -1, "frequency_penalty": 2,
            "seed": 42, "max_tokens": 9, "max_completion_tokens": 11, "logprobs": true, "top_logprobs": 4
            """));

        bench.Generator.Asked.Single().Options.Should().BeEquivalentTo(
            new GenerationOptions
            {
                Adapter = "poems", Temperature = 1.5f, TopP = 0.5f, TopK = 7, MinP = 0.25f, RepetitionPenalty = 1.25f, PresencePenalty = -1, FrequencyPenalty = 2, Seed = 42, MaxNewTokens = 11, TopLogProbabilities = 4,
            },
            options => options.Excluding(o => o.StopIds));
    }

    [Fact]
    public async Task Post_RolesAndParts_BecomeTheTemplate()
    {
        await using var bench = await ServedBench.StartAsync();

        await bench.AskAsync(Path, """
            { "messages": [
              { "role": "developer", "content": "Be brief." }, { "role": "user", "content": "one" }, { "role": "assistant", "content": "two" },
              { "role": "user", "content": [{ "type": "text", "text": "three " }, { "type": "text", "text": "four" }] } ] }
            """);

        var prompt = ScriptedGenerator.Tokenizer.Decode(bench.Generator.Asked.Single().PromptIds);
        prompt.Should().MatchRegex("(?s)Be brief\\..*one.*two.*three four.*### Response:");
    }

    [Fact]
    public async Task Post_Streamed_ComesInChunksLikeOpenAIs()
    {
        await using var bench = await ServedBench.StartAsync();

        var events = await bench.StreamAsync(Path, ServedBench.Chat("\"stream\": true, \"stream_options\": { \"include_usage\": true }"));

        events[^1].Should().Be("[DONE]");
        var chunks = events[..^1].ConvertAll(data => JsonDocument.Parse(data).RootElement);
        chunks.Should().OnlyContain(chunk => chunk.GetProperty("object").GetString() == "chat.completion.chunk");
        chunks.Select(chunk => chunk.GetProperty("id").GetString()).Distinct().Should().ContainSingle();
        chunks[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString().Should().Be("assistant");
        chunks[0].GetProperty("choices")[0].GetProperty("finish_reason").ValueKind.Should().Be(JsonValueKind.Null);
        string.Concat(chunks[1..^2].Select(chunk => chunk.GetProperty("choices")[0].GetProperty("delta").GetProperty("content").GetString())).Should().Be("北京。");
        chunks[1..^2].Should().HaveCountGreaterThan(1).And.NotContain(chunk => chunk.ToString().Contains('\uFFFD', StringComparison.Ordinal));
        chunks[^2].GetProperty("choices")[0].GetProperty("delta").ToString().Should().Be("{}");
        chunks[^2].GetProperty("choices")[0].GetProperty("finish_reason").GetString().Should().Be("stop");
        chunks[^1].GetProperty("choices").GetArrayLength().Should().Be(0);
        chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32().Should().BePositive();
    }

    [Fact]
    public async Task Post_StreamedWithoutUsage_HasNone()
    {
        await using var bench = await ServedBench.StartAsync();

        (await bench.StreamAsync(Path, ServedBench.Chat("\"stream\": true"))).Should().NotContain(data => data.Contains("usage", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"stop\": \"京\"", "北", "stop")]
    [InlineData("\"stop\": [\"不\", \"。\"]", "北京", "stop")]
    [InlineData("\"stop\": null", "北京。", "stop")]
    public async Task Post_Stop_EndsBeforeIt(string field, string text, string reason)
    {
        await using var bench = await ServedBench.StartAsync();

        var choice = (await bench.AskAsync(Path, ServedBench.Chat(field))).GetProperty("choices")[0];

        choice.GetProperty("message").GetProperty("content").GetString().Should().Be(text);
        choice.GetProperty("finish_reason").GetString().Should().Be(reason);
    }

    [Fact]
    public async Task Post_MaxTokens_EndsByLengthAndIsCutToTheRoom()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator(null) { ContextLength = 256 });

        var five = await bench.AskAsync(Path, ServedBench.Chat("\"max_tokens\": 5"));
        var all = await bench.AskAsync(Path, ServedBench.Chat("\"max_tokens\": 1000000"));

        five.GetProperty("usage").GetProperty("completion_tokens").GetInt32().Should().Be(5);
        five.GetProperty("choices")[0].GetProperty("finish_reason").GetString().Should().Be("length");
        all.GetProperty("usage").GetProperty("total_tokens").GetInt32().Should().Be(256);
        all.GetProperty("choices")[0].GetProperty("finish_reason").GetString().Should().Be("length");
    }

    [Fact]
    public async Task Post_SeveralAnswers_HaveIndicesAndSeedsOfTheirOwn()
    {
        await using var bench = await ServedBench.StartAsync();

        var answer = await bench.AskAsync(Path, ServedBench.Chat("\"n\": 3, \"seed\": 7"));
        var events = await bench.StreamAsync(Path, ServedBench.Chat("\"n\": 3, \"stream\": true"));

        answer.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()).Should().Equal(0, 1, 2);
        answer.GetProperty("choices").EnumerateArray().Should().OnlyContain(choice => choice.GetProperty("message").GetProperty("content").GetString() == "北京。");
        bench.Generator.Asked.Take(3).Select(asked => asked.Options.Seed).Should().BeEquivalentTo([7, 8, 9]);
        answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32().Should().Be(bench.Generator.Asked.First().PromptIds.Count);
        var choices = events[..^1].ConvertAll(data => JsonDocument.Parse(data).RootElement.GetProperty("choices")[0]);
        for (var i = 0; i < 3; i++)
        {
            var own = choices.Where(choice => choice.GetProperty("index").GetInt32() == i).ToList();
            string.Concat(own[1..^1].Select(choice => choice.GetProperty("delta").GetProperty("content").GetString())).Should().Be("北京。");
            own[^1].GetProperty("finish_reason").GetString().Should().Be("stop");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Post_Logprobs_DescribeEveryTokenInBytes(bool isStreamed)
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("北京饕。"));
        var fields = "\"logprobs\": true, \"top_logprobs\": 2";

        var tokens = isStreamed
            ? (await bench.StreamAsync(Path, ServedBench.Chat(fields + ", \"stream\": true")))[..^1].SelectMany(data => Tokens(JsonDocument.Parse(data).RootElement)).ToList()
            : Tokens(await bench.AskAsync(Path, ServedBench.Chat(fields)));

        tokens.Should().HaveCount(ScriptedGenerator.Tokenizer.Encode("北京饕。").Count).And.OnlyContain(token => token.GetProperty("logprob").GetDouble() == -0.5);
        tokens.Should().OnlyContain(token => token.GetProperty("top_logprobs").GetArrayLength() == 2 && token.GetProperty("top_logprobs")[0].GetProperty("token").GetString() == token.GetProperty("token").GetString());
        Encoding.UTF8.GetString([.. tokens.SelectMany(token => token.GetProperty("bytes").EnumerateArray().Select(b => b.GetByte()))]).Should().Be("北京饕。");
    }

    [Fact]
    public async Task Post_LongConversation_ForgetsTheOldestTurnsAndNotForAHugeLimit()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("x") { ContextLength = 512 });
        var turns = string.Join(", ", Enumerable.Range(0, 40).Select(i => $$"""{ "role": "user", "content": "question {{i}}" }, { "role": "assistant", "content": "answer {{i}}" }"""));

        await bench.AskAsync(Path, $$"""{ "messages": [{{turns}}, { "role": "user", "content": "last" }], "max_tokens": 100000 }""");

        var prompt = ScriptedGenerator.Tokenizer.Decode(bench.Generator.Asked.Single().PromptIds);
        prompt.Should().Contain("last").And.Contain("question 39").And.NotContain("question 0");
        bench.Generator.Asked.Single().PromptIds.Should().HaveCountLessThanOrEqualTo(256);
    }

    private static List<JsonElement> Tokens(JsonElement answer)
        => answer.GetProperty("choices")[0].GetProperty("logprobs") is { ValueKind: JsonValueKind.Object } logprobs ? [.. logprobs.GetProperty("content").EnumerateArray()] : [];
}
