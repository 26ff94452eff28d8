using System.Runtime.InteropServices;

namespace Alpaca.Host.Tests;

public sealed class EmbeddingsTests
{
    private const string Path = "/v1/embeddings";

    [Theory]
    [InlineData("\"one\"", 1)]
    [InlineData("[\"one\", \"two three\"]", 2)]
    [InlineData("[1, 5, 6]", 1)]
    [InlineData("[[1, 5], [1, 6, 7], [1]]", 3)]
    public async Task Post_Inputs_GiveAUnitVectorForEach(string input, int count)
    {
        await using var bench = await ServedBench.StartAsync();

        var answer = await bench.AskAsync(Path, $$"""{ "input": {{input}}, "model": "scripted" }""");

        answer.GetProperty("object").GetString().Should().Be("list");
        answer.GetProperty("model").GetString().Should().Be("scripted");
        var items = answer.GetProperty("data").EnumerateArray().ToList();
        items.Select(item => item.GetProperty("index").GetInt32()).Should().Equal(Enumerable.Range(0, count));
        items.Should().OnlyContain(item => item.GetProperty("object").GetString() == "embedding");
        foreach (var item in items) item.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle()).Should().Equal(0.6f, 0, 0.8f);
        answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32().Should().BePositive().And.Be(answer.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task Post_Base64_HasTheSameNumbers()
    {
        await using var bench = await ServedBench.StartAsync();

        var answer = await bench.AskAsync(Path, """{ "input": "one", "encoding_format": "base64", "dimensions": 3 }""");

        MemoryMarshal.Cast<byte, float>(answer.GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64()).ToArray().Should().Equal(0.6f, 0, 0.8f);
    }

    [Theory]
    [InlineData("\"input\": []", "input")]
    [InlineData("\"input\": \"\"", "input")]
    [InlineData("\"input\": [\"x\", 1]", "input")]
    [InlineData("\"input\": \"x\", \"encoding_format\": \"hex\"", "encoding_format")]
    [InlineData("\"input\": \"x\", \"dimensions\": 2", "dimensions")]
    public async Task Post_ImpossibleValue_NamesTheField(string fields, string name)
    {
        await using var bench = await ServedBench.StartAsync();

        (await bench.AskAsync(Path, $"{{ {fields} }}", 400)).GetProperty("error").GetProperty("param").GetString().Should().Be(name);
    }
}
