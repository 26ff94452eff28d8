using System.ClientModel;
using System.Diagnostics;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Models;
using ChatMessage = OpenAI.Chat.ChatMessage;

namespace Alpaca.IntegrationTests;

/// <summary>OpenAI's own .NET package, and Microsoft.Extensions.AI over it, as clients of the served model.</summary>
[Collection(ServedSample.Collection)]
public sealed class OpenAISdkTests(ServedSample served)
{
    private const string Question = "中国的首都是哪里？";

    private static readonly ChatCompletionOptions Greedy = new() { Temperature = 0, MaxOutputTokenCount = 24 };

    private readonly OpenAIClientOptions _options = new() { Endpoint = new Uri($"{served.Address}v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) };

    [Fact]
    public async Task CompleteChat_Question_IsAnsweredWithUsageAndReason()
    {
        ChatCompletion completion = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Question)], Greedy);

        completion.Role.Should().Be(ChatMessageRole.Assistant);
        completion.Content.Single().Text.Should().NotBeNullOrEmpty();
        completion.Model.Should().Be(served.ModelName);
        completion.FinishReason.Should().BeOneOf(OpenAI.Chat.ChatFinishReason.Stop, OpenAI.Chat.ChatFinishReason.Length);
        completion.Usage.InputTokenCount.Should().BePositive();
        completion.Usage.OutputTokenCount.Should().BeInRange(1, 24);
        completion.Usage.TotalTokenCount.Should().Be(completion.Usage.InputTokenCount + completion.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task CompleteChatStreaming_SameQuestion_GivesTheSameTextInPieces()
    {
        ChatCompletion whole = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Question)], Greedy);

        var pieces = new List<string>();
        ChatTokenUsage? usage = null;
        OpenAI.Chat.ChatFinishReason? reason = null;
        await foreach (var update in Chat().CompleteChatStreamingAsync([ChatMessage.CreateUserMessage(Question)], Greedy))
        {
            pieces.AddRange(update.ContentUpdate.Select(part => part.Text));
            usage = update.Usage ?? usage;
            reason = update.FinishReason ?? reason;
        }

        string.Concat(pieces).Should().Be(whole.Content[0].Text);
        pieces.Where(piece => piece.Length > 0).Should().HaveCountGreaterThan(1, "it comes as it is made");
        reason.Should().Be(whole.FinishReason);
        usage!.OutputTokenCount.Should().Be(whole.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task CompleteChat_StopString_EndsBeforeIt()
    {
        ChatCompletion whole = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Question)], Greedy);
        var text = whole.Content[0].Text;
        var stop = text.Substring(text.Length / 2, 1);

        ChatCompletion cut = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Question)], new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 24, StopSequences = { stop } });

        var expected = text[..text.IndexOf(stop, StringComparison.Ordinal)];
        string.Concat(cut.Content.Select(part => part.Text)).Should().Be(expected);
        cut.FinishReason.Should().Be(OpenAI.Chat.ChatFinishReason.Stop);
    }

    [Fact]
    public async Task CompleteChat_LogProbabilities_DescribeTheTokens()
    {
        ChatCompletion completion = await Chat().CompleteChatAsync(
            [ChatMessage.CreateUserMessage(Question)], new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 8, IncludeLogProbabilities = true, TopLogProbabilityCount = 3 });

        var tokens = completion.ContentTokenLogProbabilities;
        tokens.Should().NotBeEmpty();
        tokens.Should().OnlyContain(token => token.LogProbability <= 0 && token.TopLogProbabilities.Count == 3);
        tokens.Should().OnlyContain(token => Math.Abs(token.LogProbability - token.TopLogProbabilities[0].LogProbability) < 1e-4, "greedy decoding takes the most probable token");
        System.Text.Encoding.UTF8.GetString([.. tokens.SelectMany(token => token.Utf8Bytes!.Value.ToArray())]).Should().StartWith(completion.Content[0].Text);
    }

    [Fact]
    public async Task CompleteChat_SameSeed_GivesTheSameText()
    {
#pragma warning disable OPENAI001 // the SDK calls seeds experimental
        ChatCompletionOptions Seeded() => new() { Temperature = 1.5f, MaxOutputTokenCount = 24, Seed = 42 };
#pragma warning restore OPENAI001

        ChatCompletion first = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Question)], Seeded());
        ChatCompletion second = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Question)], Seeded());

        second.Content[0].Text.Should().Be(first.Content[0].Text);
    }

    [Fact]
    public async Task CompleteChat_UnknownModel_IsNotFound()
    {
        var client = new ChatClient("no-such-model", new ApiKeyCredential("none"), _options);

        var act = async () => await client.CompleteChatAsync([ChatMessage.CreateUserMessage(Question)]);

        (await act.Should().ThrowAsync<ClientResultException>()).Which.Status.Should().Be(404);
    }

    [Fact]
    public async Task CompleteChat_ImpossibleTemperature_IsABadRequest()
    {
        var act = async () => await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Question)], new ChatCompletionOptions { Temperature = -1 });

        (await act.Should().ThrowAsync<ClientResultException>()).Which.Should().Match<ClientResultException>(e => e.Status == 400 && e.Message.Contains("temperature"));
    }

    [Fact]
    public async Task CompleteChatStreaming_Cancelled_EndsAtOnce()
    {
        using var cancellation = new CancellationTokenSource();
#pragma warning disable OPENAI001 // the SDK calls seeds experimental
        var options = new ChatCompletionOptions { Temperature = 2, TopP = 1, MaxOutputTokenCount = 100_000, Seed = 42 }; // one that rambles: a dice may as well end it at once
#pragma warning restore OPENAI001

        var act = async () =>
        {
            await foreach (var update in Chat().CompleteChatStreamingAsync([ChatMessage.CreateUserMessage(Question)], options, cancellation.Token))
            {
                if (update.ContentUpdate.Count > 0) await cancellation.CancelAsync();
            }
        };

        await act.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task GenerateEmbeddings_SeveralTexts_GiveUnitVectorsInOrder()
    {
        var client = new EmbeddingClient(served.ModelName, new ApiKeyCredential("none"), _options);

        OpenAIEmbeddingCollection both = await client.GenerateEmbeddingsAsync(["你好", "Goodbye"]);
        OpenAIEmbedding one = await client.GenerateEmbeddingAsync("Goodbye");

        both.Should().HaveCount(2);
        both.Should().OnlyContain(embedding => Math.Abs(1 - embedding.ToFloats().ToArray().Sum(x => x * x)) < 1e-3);
        both[1].ToFloats().ToArray().Zip(one.ToFloats().ToArray(), (a, b) => Math.Abs(a - b)).Max().Should().BeLessThan(1e-4f);
        both[0].ToFloats().ToArray().Should().NotEqual(both[1].ToFloats().ToArray());
    }

    [Fact]
    public async Task GetModels_ServedModel_IsListed()
    {
        var client = new OpenAIModelClient(new ApiKeyCredential("none"), _options);

        OpenAIModelCollection models = await client.GetModelsAsync();

        models.Select(model => model.Id).Should().Contain(served.ModelName);
    }

    [Fact]
    public async Task AsIChatClient_Question_StreamsWithUsage()
    {
        using var client = Chat().AsIChatClient();
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 16 };

        var response = await client.GetResponseAsync(Question, options);
        var streamed = await client.GetStreamingResponseAsync(Question, options).ToChatResponseAsync();

        streamed.Text.Should().Be(response.Text).And.NotBeEmpty();
        response.Usage!.OutputTokenCount.Should().BePositive();
        streamed.Usage!.OutputTokenCount.Should().Be(response.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task CompleteChat_ManyAtOnce_AllAnswerAlike()
    {
        var watch = Stopwatch.StartNew();
        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(async _ => (ChatCompletion)await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Question)], Greedy)));

        answers.Select(answer => answer.Content[0].Text).Distinct().Should().ContainSingle($"all asked the same, in {watch.Elapsed}");
    }

    private ChatClient Chat() => new(served.ModelName, new ApiKeyCredential("none"), _options);
}
