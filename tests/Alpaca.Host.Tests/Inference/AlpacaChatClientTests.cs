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

    [Fact]
    public async Task GetStreamingResponseAsync_SameRequest_GivesWhatTheWholeResponseHas()
    {
        using var client = new AlpacaChatClient(new ScriptedGenerator("北京👍 is the capital.").ToHandle());

        var whole = await client.GetResponseAsync("Capital of China?");
        var streamed = await client.GetStreamingResponseAsync("Capital of China?").ToChatResponseAsync();

        streamed.Text.Should().Be(whole.Text).And.Be("北京👍 is the capital.");
        streamed.Usage.Should().BeEquivalentTo(whole.Usage);
        streamed.FinishReason.Should().Be(whole.FinishReason);
        streamed.Messages.Should().ContainSingle().Which.Role.Should().Be(ChatRole.Assistant);
    }

    [Fact]
    public async Task GetResponseAsync_AllOptions_ReachTheModel()
    {
        var generator = new ScriptedGenerator("x");
        using var client = new AlpacaChatClient(generator.ToHandle());
        var options = new ChatOptions
        {
            PresencePenalty = 0.5f, FrequencyPenalty = -1, Instructions = "Be brief.",
            AdditionalProperties = new() { ["min_p"] = 0.05, ["repetition_penalty"] = 1.2f, ["top_logprobs"] = 4 },
        };
        var before = options.Clone();

        await client.GetResponseAsync("Hi", options);

        generator.Options[0].Should().BeEquivalentTo(new { PresencePenalty = 0.5f, FrequencyPenalty = -1f, MinP = 0.05f, RepetitionPenalty = 1.2f, TopLogProbabilities = 4 });
        generator.Prompts[0].Should().Contain("Be brief.");
        options.Should().BeEquivalentTo(before, "a caller's options are the caller's");
    }

    [Fact]
    public async Task GetResponseAsync_TopLogProbabilities_AreInTheRawRepresentation()
    {
        using var models = new FixedModels(new EchoingGenerator("yes"));
        using var client = new AlpacaChatClient(models);

        var response = await client.GetResponseAsync("Hi", new ChatOptions { AdditionalProperties = new() { ["top_logprobs"] = 2 } });

        var answer = response.RawRepresentation.Should().BeOfType<Answer>().Subject;
        string.Concat(answer.Tokens.Select(t => t.Text)).Should().Be("yes");
        answer.Tokens.Should().OnlyContain(t => t.LogProbability == -0.5f && t.Alternatives.Count == 2);
        response.Usage!.CachedInputTokenCount.Should().Be(3);
    }

    [Fact]
    public async Task GetResponseAsync_ModelId_ChoosesAnAdapterAndRefusesWhatThereIsNot()
    {
        using var models = new FixedModels(new EchoingGenerator("yes") { Adapters = ["poet"] });
        using var client = new AlpacaChatClient(models);

        (await client.GetResponseAsync("Hi", new ChatOptions { ModelId = "poet" })).ModelId.Should().Be("poet");
        (await client.GetResponseAsync("Hi")).ModelId.Should().Be(FixedModels.Name);
        await client.Invoking(c => c.GetResponseAsync("Hi", new ChatOptions { ModelId = "painter" })).Should().ThrowAsync<UnknownModelException>();
        models.Leases.Should().Be(0);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_LeftInTheMiddle_GivesTheModelBack()
    {
        var generator = new EchoingGenerator(null);
        using var models = new FixedModels(generator);
        using var client = new AlpacaChatClient(models);

        await foreach (var _ in client.GetStreamingResponseAsync("Go on"))
        {
            models.Leases.Should().Be(1);
            break;
        }

        models.Leases.Should().Be(0);
        generator.Running.Should().Be(0);
    }

    [Fact]
    public async Task GetResponseAsync_Cancelled_EndsAndGivesTheModelBack()
    {
        using var cancel = new CancellationTokenSource();
        var tokens = 0;
        using var models = new FixedModels(new EchoingGenerator(null) { Pace = _ => ++tokens == 5 ? cancel.CancelAsync() : Task.CompletedTask });
        using var client = new AlpacaChatClient(models);

        await client.Invoking(c => c.GetResponseAsync("Go on", cancellationToken: cancel.Token)).Should().ThrowAsync<OperationCanceledException>();

        tokens.Should().Be(5, "it ends within a token");
        models.Leases.Should().Be(0);
    }

    [Fact]
    public async Task GetResponseAsync_ManyAtOnce_EachHasItsOwnAnswer()
    {
        using var models = new FixedModels(new EchoingGenerator("one two three"));
        using var client = new AlpacaChatClient(models);

        var responses = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(() => client.GetResponseAsync($"{i}"))));

        responses.Should().OnlyContain(r => r.Text == "one two three");
        responses.Select(r => r.ResponseId).Should().OnlyHaveUniqueItems();
        models.Leases.Should().Be(0);
    }

    [Fact]
    public async Task GetResponseAsync_NothingIsLoaded_SaysWhy()
    {
        using var models = new FixedModels(new EchoingGenerator("x")) { Unavailable = "Loading model" };
        using var client = new AlpacaChatClient(models);

        await client.Invoking(c => c.GetResponseAsync("Hi")).Should().ThrowAsync<ModelUnavailableException>().WithMessage("Loading model");
    }

    [Fact]
    public void GetService_Kinds_GivesWhatThereIs()
    {
        using var models = new FixedModels(new EchoingGenerator("x"));
        using var client = new AlpacaChatClient(models);

        client.GetService(typeof(IChatClient)).Should().BeSameAs(client);
        client.GetService(typeof(IServedModels)).Should().BeSameAs(models);
        client.GetService(typeof(IChatClient), "key").Should().BeNull();
        client.GetService(typeof(string)).Should().BeNull();
        client.Invoking(c => c.GetService(null!)).Should().Throw<ArgumentNullException>();
    }
}
