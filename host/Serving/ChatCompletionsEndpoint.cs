using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary><c>POST /v1/chat/completions</c>: answers a conversation.</summary>
internal sealed class ChatCompletionsEndpoint(IServedModels models, RequestReader reader, RequestGate gate, AnswerDeadline deadline, EventStream events, AlpacaMetrics metrics, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        ChatRequest request;
        using (var body = await reader.ReadAsync(context)) request = ChatRequest.Read(body.RootElement);
        using var lease = models.Acquire(request.Sampling.Model);
        using var place = gate.Enter();
        using var ending = deadline.For(context);

        var answering = Prepare(request, lease);
        using var counted = metrics.Count(lease.Served.Name, answering);
        var id = $"chatcmpl-{Guid.NewGuid():n}";
        var created = time.GetUtcNow().ToUnixTimeSeconds();
        if (request.Sampling.IsStreamed)
        {
            await events.SendAsync(context, ChunksAsync(answering, request, Chunk, ending.Token), ApiJson.Default.ChatCompletionChunk, ending.Token);
            return;
        }

        await answering.CompleteAsync(ending.Token);

        var choices = answering.Answers.Select((answer, i) => new ChatChoice(
            i, new ChatAnswerMessage("assistant", answer.Text), request.HasLogprobs ? ChatLogprobs.Of(answer.Tokens) : null, FinishReasons.NameOf(answer)));
        await JsonAnswer.WriteAsync(context, new ChatCompletion(id, "chat.completion", created, lease.Served.Name, [.. choices], answering.Usage), ApiJson.Default.ChatCompletion);

        ChatCompletionChunk Chunk(ChatChunkChoice? choice, Usage? usage) => new(id, "chat.completion.chunk", created, lease.Served.Name, choice is null ? [] : [choice], usage);
    }

    private static AnswerRequest Prepare(ChatRequest request, ModelLease lease)
    {
        var model = lease.Model;
        var options = request.Sampling.Options with { Adapter = lease.Adapter };
        var conversation = ChatConversation.From(request.Messages, instructions: null);
        // An answer may grow to the context's end, but what was said before is not forgotten to make room for more than half of it.
        var promised = Math.Min(options.MaxNewTokens, model.Generator.ContextLength / 2);
        var prompt = ChatPrompt.Fit(model, conversation.Turns, conversation.System, promised);
        return new AnswerRequest(model, [prompt.Ids], options, [.. model.Template.StopStrings, .. request.Sampling.StopStrings], request.Sampling.Count);
    }

    private static async IAsyncEnumerable<ChatCompletionChunk> ChunksAsync(
        AnswerRequest answering, ChatRequest request, Func<ChatChunkChoice?, Usage?, ChatCompletionChunk> chunk, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var hasBegun = new bool[answering.Answers.Count];
        await foreach (var (index, piece) in answering.ReadAsync(cancellationToken))
        {
            if (!hasBegun[index])
            {
                hasBegun[index] = true;
                yield return chunk(new ChatChunkChoice(index, new ChatDelta("assistant", ""), null, null), null);
            }

            if (piece is null)
                yield return chunk(new ChatChunkChoice(index, new ChatDelta(null, null), null, FinishReasons.NameOf(answering.Answers[index])), null);
            else if (piece.Text.Length > 0 || request.HasLogprobs)
                yield return chunk(new ChatChunkChoice(index, new ChatDelta(null, piece.Text), request.HasLogprobs ? ChatLogprobs.Of(piece.Tokens) : null, null), null);
        }

        if (request.Sampling.IncludesUsage) yield return chunk(null, answering.Usage);
    }
}
