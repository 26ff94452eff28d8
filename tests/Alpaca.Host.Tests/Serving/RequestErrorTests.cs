using System.Text;
using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>What clients get to know of what went wrong.</summary>
public sealed class RequestErrorTests
{
    private const string Path = "/v1/chat/completions";

    [Theory]
    [InlineData("\"temperature\": -1", "temperature")]
    [InlineData("\"temperature\": \"hot\"", "temperature")]
    [InlineData("\"temperature\": 1e999", "temperature")]
    [InlineData("\"top_p\": 7", "top_p")]
    [InlineData("\"top_p\": 0", "top_p")]
    [InlineData("\"top_k\": -1", "top_k")]
    [InlineData("\"top_k\": 1.5", "top_k")]
    [InlineData("\"min_p\": 2", "min_p")]
    [InlineData("\"repetition_penalty\": 0", "repetition_penalty")]
    [InlineData("\"presence_penalty\": 3", "presence_penalty")]
    [InlineData("\"frequency_penalty\": -3", "frequency_penalty")]
    [InlineData("\"seed\": 1.5", "seed")]
    [InlineData("\"max_tokens\": 0", "max_tokens")]
    [InlineData("\"max_completion_tokens\": 99999999999", "max_completion_tokens")]
    [InlineData("\"n\": 17", "n")]
    [InlineData("\"stop\": [1]", "stop")]
    [InlineData("\"stop\": [\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\",\"m\",\"n\",\"o\",\"p\",\"q\"]", "stop")]
    [InlineData("\"stream\": \"yes\"", "stream")]
    [InlineData("\"stream_options\": true", "stream_options")]
    [InlineData("\"top_logprobs\": 21, \"logprobs\": true", "top_logprobs")]
    [InlineData("\"top_logprobs\": 2", "top_logprobs")]
    [InlineData("\"model\": 5", "model")]
    [InlineData("\"logit_bias\": { \"5\": 1 }", "logit_bias")]
    [InlineData("\"tools\": [{}]", "tools")]
    [InlineData("\"functions\": [{}]", "functions")]
    [InlineData("\"tool_choice\": \"required\"", "tool_choice")]
    [InlineData("\"response_format\": { \"type\": \"json_object\" }", "response_format")]
    public async Task Post_ImpossibleValue_NamesTheField(string field, string name)
    {
        await using var bench = await ServedBench.StartAsync();

        var error = await bench.AskAsync(Path, ServedBench.Chat(field), 400);

        error.GetProperty("error").GetProperty("param").GetString().Should().Be(name);
        error.GetProperty("error").GetProperty("message").GetString().Should().Contain(name);
        error.GetProperty("error").GetProperty("type").GetString().Should().Be("invalid_request_error");
        error.GetProperty("error").TryGetProperty("code", out _).Should().BeTrue();
        bench.Generator.Asked.Should().BeEmpty();
    }

    [Theory]
    [InlineData("\"logit_bias\": {}, \"tools\": [], \"tool_choice\": \"none\", \"response_format\": { \"type\": \"text\" }, \"modalities\": [\"text\"]")]
    [InlineData("\"temperature\": null, \"stop\": null, \"n\": null, \"stream\": null, \"seed\": null, \"tools\": null, \"max_tokens\": 5.0")]
    public async Task Post_HarmlessValue_IsTaken(string fields)
    {
        await using var bench = await ServedBench.StartAsync();

        await bench.AskAsync(Path, ServedBench.Chat(fields));
    }

    [Theory]
    [InlineData("""{ }""", "messages")]
    [InlineData("""{ "messages": [] }""", "messages")]
    [InlineData("""{ "messages": "hello" }""", "messages")]
    [InlineData("""{ "messages": ["hello"] }""", "messages[0]")]
    [InlineData("""{ "messages": [{ "role": "user" }] }""", "messages[0].content")]
    [InlineData("""{ "messages": [{ "role": "user", "content": null }] }""", "messages[0].content")]
    [InlineData("""{ "messages": [{ "role": "user", "content": "\ud800" }] }""", "messages[0].content")]
    [InlineData("""{ "messages": [{ "role": "tool", "content": "x" }] }""", "messages[0].role")]
    [InlineData("""{ "messages": [{ "content": "x" }] }""", "messages[0].role")]
    [InlineData("""{ "messages": [{ "role": "user", "content": "x" }, { "role": "assistant", "content": "x" }] }""", "messages[1].role")]
    [InlineData("""{ "messages": [{ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "data:," } }] }] }""", "messages[0].content[0]")]
    public async Task Post_ImpossibleMessages_SaysWhichAndWhere(string json, string name)
    {
        await using var bench = await ServedBench.StartAsync();

        (await bench.AskAsync(Path, json, 400)).GetProperty("error").GetProperty("param").GetString().Should().Be(name);
    }

    [Fact]
    public async Task Post_SeveralImpossibleValues_NamesAllOfThem()
    {
        await using var bench = await ServedBench.StartAsync();

        var message = (await bench.AskAsync(Path, ServedBench.Chat("\"top_p\": 7, \"n\": 0, \"seed\": \"x\""), 400)).GetProperty("error").GetProperty("message").GetString();

        message.Should().Contain("top_p is 7").And.Contain("n is 0").And.Contain("seed");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[1, 2")]
    [InlineData("nonsense")]
    [InlineData("{} {}")]
    [InlineData("{ 'a': 1 }")]
    [InlineData("{ \"messages\": [,] }")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("5")]
    public async Task Post_NoJsonObject_IsABadRequest(string body)
    {
        await using var bench = await ServedBench.StartAsync();

        (await bench.AskAsync(Path, body, 400)).GetProperty("error").GetProperty("code").GetString().Should().Be("invalid_json");
    }

    [Fact]
    public async Task Post_DeeplyNestedJson_IsABadRequest()
    {
        await using var bench = await ServedBench.StartAsync();

        await bench.AskAsync(Path, new string('[', 100_000), 400);
    }

    [Fact]
    public async Task Post_BytesThatAreNoUtf8_AreABadRequest()
    {
        await using var bench = await ServedBench.StartAsync();
        byte[] body = [.. "{\"messages\": [{\"role\": \"user\", \"content\": \""u8, 0xFF, 0xC0, .. "\"}]}"u8];

        using var response = await bench.Client.PostAsync(Path, new ByteArrayContent(body) { Headers = { { "Content-Type", "application/json" } } });

        await ServedBench.ReadAsync(response, 400);
    }

    [Fact]
    public async Task Post_OtherContentType_IsRefused()
    {
        await using var bench = await ServedBench.StartAsync();

        using var response = await bench.Client.PostAsync(Path, new StringContent(ServedBench.Chat()));

        await ServedBench.ReadAsync(response, 415);
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completions", 405)]
    [InlineData("POST", "/v1/models", 405)]
    [InlineData("GET", "/v1/unknown", 404)]
    [InlineData("GET", "/unknown", 404)]
    [InlineData("GET", "/v1/models/unknown", 404)]
    public async Task Send_UnknownRouteOrMethod_IsToldInJson(string method, string path, int status)
    {
        await using var bench = await ServedBench.StartAsync();

        using var response = await bench.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        (await ServedBench.ReadAsync(response, status)).GetProperty("error").GetProperty("message").GetString().Should().NotBeEmpty();
    }

    [Fact]
    public async Task Post_UnknownModel_IsNotFound()
    {
        await using var bench = await ServedBench.StartAsync();

        var error = await bench.AskAsync(Path, ServedBench.Chat("\"model\": \"gpt-4\""), 404);

        error.GetProperty("error").GetProperty("code").GetString().Should().Be("model_not_found");
        error.GetProperty("error").GetProperty("param").GetString().Should().Be("model");
    }

    [Fact]
    public async Task Post_WhileTheModelLoads_IsUnavailable()
    {
        await using var bench = await ServedBench.StartAsync();
        bench.Models.Unavailable = "Loading model";

        using var response = await bench.PostAsync(Path, ServedBench.Chat());

        (await ServedBench.ReadAsync(response, 503)).ToString().Should().Be("""{"error":{"message":"Loading model","type":"unavailable_error","param":null,"code":503}}""");
        response.Headers.RetryAfter.Should().NotBeNull();
    }

    [Theory]
    [InlineData("/v1/chat/completions", "\"messages\": [{ \"role\": \"user\", \"content\": \"TEXT\" }]")]
    [InlineData("/v1/completions", "\"prompt\": \"TEXT\"")]
    [InlineData("/v1/embeddings", "\"input\": \"TEXT\"")]
    public async Task Post_LongerThanTheContext_SaysHowLong(string path, string field)
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("x") { ContextLength = 128 });

        var error = (await bench.AskAsync(path, $"{{ {field.Replace("TEXT", string.Concat(Enumerable.Repeat("long ", 200)), StringComparison.Ordinal)} }}", 400)).GetProperty("error");

        error.GetProperty("code").GetString().Should().Be("context_length_exceeded");
        error.GetProperty("message").GetString().Should().MatchRegex(@"\d{3} tokens.*128");
    }

    [Theory]
    [InlineData("/v1/embeddings", "{ \"input\": [\"x\", \"y\"] }", "embeddings")]
    [InlineData("/v1/completions", "{ \"prompt\": \"x y\", \"echo\": true, \"logprobs\": 0 }", "score")]
    public async Task Post_WhatTheBackendCannotDo_IsABadRequest(string path, string json, string words)
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("x") { OnlyTalks = true });

        (await bench.AskAsync(path, json, 400)).GetProperty("error").GetProperty("message").GetString().Should().Contain(words);
    }

    [Fact]
    public async Task Post_ServerStops_EndsTheAnswerAndSaysSo()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator(null) { ContextLength = int.MaxValue, Pace = token => Task.Delay(5, token) });
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent(ServedBench.Chat("\"stream\": true, \"max_tokens\": 1000000000"), Encoding.UTF8, "application/json") };
        using var streaming = await bench.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead); // it has begun
        var asking = bench.PostAsync(Path, ServedBench.Chat("\"max_tokens\": 1000000000"));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (bench.Generator.Running < 2) await Task.Delay(5, limit.Token);

        bench.Deadline.Cancel();

        var events = (await streaming.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        events[^1].Should().Be("data: [DONE]");
        events[^2].Should().StartWith("data: {\"error\":").And.Contain("unavailable_error");
        await ServedBench.ReadAsync(await asking, 503);
        await bench.IdleAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Post_ModelFailsAtOnce_IsAServerErrorWithoutDetails(bool isStreamed)
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("x") { Failure = (0, new InvalidOperationException("secret detail")) });

        var error = await bench.AskAsync(Path, ServedBench.Chat(isStreamed ? "\"stream\": true" : ""), 500);

        error.ToString().Should().NotContain("secret").And.NotContain("   at ").And.Contain("internal_error");
        await bench.IdleAsync();
    }

    [Fact]
    public async Task Post_ModelFailsInMidStream_IsToldAsAnEvent()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("one two three four") { Failure = (3, new AlpacaException("The device is lost.")) });

        var events = await bench.StreamAsync(Path, ServedBench.Chat("\"stream\": true"));

        events[^1].Should().Be("[DONE]");
        JsonDocument.Parse(events[^2]).RootElement.GetProperty("error").GetProperty("message").GetString().Should().Be("The device is lost.");
        events[..^2].Should().NotBeEmpty().And.NotContain(data => data.Contains("error", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task Post_TenMegabytes_AreTurnedAwayUnread(bool isChunked, bool asksFirst)
    {
        await using var bench = await ServedBench.StartAsync();
        var body = new CountedContent(10_000_000, isChunked);
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = body };
        request.Headers.ExpectContinue = asksFirst;

        using var response = await bench.Client.SendAsync(request);

        (await ServedBench.ReadAsync(response, 413)).GetProperty("error").GetProperty("code").GetString().Should().Be("request_too_large");
        if (asksFirst) body.Sent.Should().Be(0);
        bench.Generator.Asked.Should().BeEmpty();
    }

    [Fact]
    public async Task Post_FourMegabytesLessALittle_AreRead()
    {
        await using var bench = await ServedBench.StartAsync();

        var error = await bench.AskAsync(Path, ServedBench.Chat($"\"metadata\": \"{new string('x', 4_000_000)}\", \"n\": 0"), 400);

        error.GetProperty("error").GetProperty("param").GetString().Should().Be("n");
    }
}
