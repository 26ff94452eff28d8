using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary><c>POST /v1/completions</c>: continues texts as they stand, without a template.</summary>
internal sealed class CompletionsEndpoint(IServedModels models, RequestReader reader, RequestGate gate, AnswerDeadline deadline, EventStream events, AlpacaMetrics metrics, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        CompletionRequest request;
        using (var body = await reader.ReadAsync(context)) request = CompletionRequest.Read(body.RootElement);
        using var lease = models.Acquire(request.Sampling.Model);
        using var place = gate.Enter();
        using var ending = deadline.For(context);

        var answering = Prepare(request, lease);
        using var counted = metrics.Count(lease.Served.Name, answering);
        var echoes = await Task.WhenAll(answering.Prompts.Select((ids, i) => request.Echoes
            ? PromptEcho.OfAsync(lease, ids, request.Prompts[i].Text, request.HasLogprobs, ending.Token)
            : Task.FromResult(PromptEcho.None)));
        var id = $"cmpl-{Guid.NewGuid():n}";
        var created = time.GetUtcNow().ToUnixTimeSeconds();
        var logprobs = answering.Answers.Select((_, i) => request.HasLogprobs ? Begin(echoes[i / request.Sampling.Count]) : null).ToList();
        if (request.Sampling.IsStreamed)
        {
            await events.SendAsync(context, ChunksAsync(answering, request, echoes, logprobs, Part, ending.Token), ApiJson.Default.TextCompletion, ending.Token);
            return;
        }

        await answering.CompleteAsync(ending.Token);

        var choices = answering.Answers.Select((answer, i) =>
        {
            foreach (var token in logprobs[i] is null ? [] : answer.Tokens) logprobs[i]!.Add(token);
            return new TextChoice(echoes[i / request.Sampling.Count].Text + answer.Text, i, logprobs[i]?.Take(), FinishReasons.NameOf(answer));
        });
        await JsonAnswer.WriteAsync(context, Part([.. choices], answering.Usage), ApiJson.Default.TextCompletion);

        TextCompletion Part(IReadOnlyList<TextChoice> choices, Usage? usage) => new(id, "text_completion", created, lease.Served.Name, choices, usage);
    }

    private static AnswerRequest Prepare(CompletionRequest request, ModelLease lease)
    {
        var context = lease.Model.Generator.ContextLength;
        var prompts = request.Prompts.Select(prompt => prompt.Encode(lease.Model, "prompt")).ToList();
        if (prompts.FirstOrDefault(ids => ids.Count >= context) is { } tooLong)
            throw new ContextLengthException($"The prompt has {tooLong.Count} tokens, and the model's context ends at {context}; shorten it.");
        return new AnswerRequest(lease.Model, prompts, request.Sampling.Options with { Adapter = lease.Adapter }, request.Sampling.StopStrings, request.Sampling.Count);
    }

    private static TextLogprobsBuilder Begin(PromptEcho echo)
    {
        var builder = new TextLogprobsBuilder();
        foreach (var (text, logProbability) in echo.Tokens) builder.AddPrompt(text, logProbability);
        return builder;
    }

    private static async IAsyncEnumerable<TextCompletion> ChunksAsync(
        AnswerRequest answering,
        CompletionRequest request,
        PromptEcho[] echoes,
        List<TextLogprobsBuilder?> logprobs,
        Func<IReadOnlyList<TextChoice>, Usage?, TextCompletion> part,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var hasBegun = new bool[answering.Answers.Count];
        await foreach (var (index, piece) in answering.ReadAsync(cancellationToken))
        {
            if (!hasBegun[index] && request.Echoes) yield return part([new TextChoice(echoes[index / request.Sampling.Count].Text, index, logprobs[index]?.Take(), null)], null);
            hasBegun[index] = true;
            foreach (var token in piece is null || logprobs[index] is null ? [] : piece.Tokens) logprobs[index]!.Add(token);
            if (piece is null)
                yield return part([new TextChoice("", index, null, FinishReasons.NameOf(answering.Answers[index]))], null);
            else if (piece.Text.Length > 0 || request.HasLogprobs)
                yield return part([new TextChoice(piece.Text, index, logprobs[index]?.Take(), null)], null);
        }

        if (request.Sampling.IncludesUsage) yield return part([], answering.Usage);
    }
}
