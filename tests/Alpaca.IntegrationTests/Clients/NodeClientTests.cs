using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>The npm package <c>openai</c> as a client of the served model.</summary>
[Collection(ServedSample.Collection)]
public sealed class NodeClientTests(ServedSample served)
{
    [NodeFact("openai")]
    public async Task OpenAI_EveryCall_IsUnderstood()
    {
        using var results = await NodeModules.RunAsync("openai.mjs", new { baseURL = $"{served.Address}v1", model = served.ModelName, question = "中国的首都是哪里？" });
        var root = results.RootElement;

        var whole = Text(root, "whole");
        whole.Should().NotBeEmpty();
        Text(root, "streamed").Should().Be(whole);
        root.GetProperty("pieces").GetInt32().Should().BeGreaterThan(1);
        root.GetProperty("usage").GetProperty("total_tokens").GetInt32().Should().BePositive();
        root.GetProperty("streamedUsage").GetProperty("completion_tokens").GetInt32().Should().Be(root.GetProperty("usage").GetProperty("completion_tokens").GetInt32());

        whole.Should().StartWith(Text(root, "stopped"));
        Text(root, "stopped").Should().NotContain(Text(root, "stop"));
        Text(root, "stopReason").Should().Be("stop");

        root.GetProperty("logprobs").EnumerateArray().Should().NotBeEmpty().And.OnlyContain(token => token.GetProperty("logprob").GetDouble() <= 0 && token.GetProperty("top_logprobs").GetArrayLength() == 2);
        root.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()).Should().BeEquivalentTo([0, 1, 2]);
        root.GetProperty("streamedChoices").EnumerateArray().Select(index => index.GetInt32()).Should().BeEquivalentTo([0, 1, 2]);

        Text(root, "completion").Should().NotBeEmpty();
        root.GetProperty("completionLogprobs").GetProperty("tokens").GetArrayLength().Should().BePositive();
        root.GetProperty("embedding").GetInt32().Should().BePositive();
        root.GetProperty("models").EnumerateArray().Select(id => id.GetString()).Should().Contain(served.ModelName);

        root.GetProperty("errors").GetProperty("unknownModel").GetProperty("status").GetInt32().Should().Be(404);
        Text(root.GetProperty("errors").GetProperty("unknownModel"), "type").Should().Be("NotFoundError");
        root.GetProperty("errors").GetProperty("badValue").GetProperty("status").GetInt32().Should().Be(400);
        Text(root.GetProperty("errors").GetProperty("badValue"), "param").Should().Be("top_p");
        Text(root.GetProperty("errors").GetProperty("tooLong"), "code").Should().Be("context_length_exceeded");
        Text(root.GetProperty("errors").GetProperty("aborted"), "type").Should().Be("APIUserAbortError");
        root.GetProperty("piecesBeforeAbort").GetInt32().Should().BePositive("the stream had begun"); // how many, the package decides: it still gives what it has received
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
