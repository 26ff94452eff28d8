using Alpaca.Text;
using Microsoft.Extensions.AI;

namespace Alpaca.Host.Tests;

public sealed class AlpacaChatClientTests
{
    [Fact]
    public async Task GetResponseAsync_Conversation_AnswersWithUsageAndFinishReason()
    {
        var generator = new ScriptedGenerator("Beijing.");
        using var client = new AlpacaChatClient(generator.ToHandle());

        var response = await client.GetResponseAsync(
            [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hi"), new(ChatRole.Assistant, "Hello."), new(ChatRole.User, "Capital of China?")],
            new ChatOptions { Temperature = 0, MaxOutputTokens = 50, Seed = 7, TopP = 0.5f, TopK = 3 });

        response.Text.Should().Be("Beijing.");
        response.FinishReason.Should().Be(ChatFinishReason.Stop);
        response.ModelId.Should().Be("scripted");
        response.Usage!.OutputTokenCount.Should().Be(ScriptedGenerator.Tokenizer.Encode("Beijing.").Count);
        response.Usage.TotalTokenCount.Should().Be(response.Usage.InputTokenCount + response.Usage.OutputTokenCount);
        generator.PromptIds[0].Should().Equal(PromptTemplate.Get("alpaca").EncodeChat(ScriptedGenerator.Tokenizer, [new("Hi", "Hello."), new("Capital of China?", null)], "Be brief."));
        generator.Options[0].Should().BeEquivalentTo(new { Temperature = 0f, MaxNewTokens = 50, Seed = (int?)7, TopP = 0.5f, TopK = 3, RepetitionPenalty = 1f });
    }

    [Fact]
    public async Task GetStreamingResponseAsync_LimitReached_StreamsAndSaysLength()
    {
        using var client = new AlpacaChatClient(new ScriptedGenerator("one two three four five six").ToHandle());

        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync("Count", new ChatOptions { MaxOutputTokens = 4 })) updates.Add(update);

        updates.Count.Should().BeGreaterThan(2);
        updates[^1].FinishReason.Should().Be(ChatFinishReason.Length);
        updates.Select(u => u.ResponseId).Distinct().Should().ContainSingle();
    }

    [Fact]
    public async Task GetResponseAsync_StopSequenceOverSeveralTokens_EndsThere()
    {
        using var client = new AlpacaChatClient(new ScriptedGenerator("one two three four").ToHandle());

        (await client.GetResponseAsync("Count", new ChatOptions { StopSequences = ["o thr"] })).Text.Should().Be("one tw");
    }

    [Fact]
    public async Task GetResponseAsync_ToolsOrJson_AreRefused()
    {
        using var client = new AlpacaChatClient(new ScriptedGenerator("x").ToHandle());

        await client.Invoking(c => c.GetResponseAsync("x", new ChatOptions { ResponseFormat = ChatResponseFormat.Json })).Should().ThrowAsync<NotSupportedException>();
        await client.Invoking(c => c.GetResponseAsync("x", new ChatOptions { Tools = [new HostedWebSearchTool()] })).Should().ThrowAsync<NotSupportedException>();
    }

    [Fact]
    public async Task GetResponseAsync_LastMessageIsNotTheUsers_IsRefused()
    {
        using var client = new AlpacaChatClient(new ScriptedGenerator("x").ToHandle());

        await client.Invoking(c => c.GetResponseAsync([new ChatMessage(ChatRole.Assistant, "Hello.")])).Should().ThrowAsync<ArgumentException>();
    }

    [Fact]
    public void Dispose_Client_DisposesTheModel()
    {
        var generator = new ScriptedGenerator("x");
        var client = new AlpacaChatClient(generator.ToHandle());
        client.GetService(typeof(ModelHandle)).Should().NotBeNull();
        client.GetService(typeof(ChatClientMetadata)).Should().BeOfType<ChatClientMetadata>().Which.DefaultModelId.Should().Be("scripted");

        client.Dispose();

        generator.Disposed.Should().BeTrue();
    }
}
