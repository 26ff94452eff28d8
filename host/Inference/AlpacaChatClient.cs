using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Microsoft.Extensions.AI;

namespace Alpaca.Host;

/// <summary>The served model behind <see cref="IChatClient"/>. Safe to use from several threads; what is asked at the same time is answered in one batch.</summary>
/// <remarks>
/// <see cref="ChatOptions.ModelId"/> chooses the model or one of its adapters. <c>repetition_penalty</c>, <c>min_p</c> and <c>top_logprobs</c> are taken from <see cref="ChatOptions.AdditionalProperties"/>. Tools and JSON response
/// formats are refused, because the model was not trained for them and would ignore them silently. The tokens with their probabilities are in <c>RawRepresentation</c>: an <see cref="AnswerPiece"/> with each update, an
/// <see cref="Answer"/> with the last one and with a whole response.
/// </remarks>
public sealed class AlpacaChatClient : IChatClient
{
    private readonly IServedModels _models;
    private readonly ModelHandle? _owned;
    private readonly GenerationOptions _defaults;

    /// <summary>Creates a client of whatever is served when it is called.</summary>
    /// <param name="models">The models; not disposed with the client.</param>
    /// <param name="defaults">How tokens are chosen where a call does not say.</param>
    public AlpacaChatClient(IServedModels models, GenerationOptions? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(models);
        (_models, _defaults) = (models, defaults ?? new GenerationOptions());
    }

    /// <summary>Creates a client of one loaded model.</summary>
    /// <param name="model">The model; disposed with the client.</param>
    /// <param name="defaults">How tokens are chosen where a call does not say.</param>
    public AlpacaChatClient(ModelHandle model, GenerationOptions? defaults = null) : this(new SingleModel(model), defaults) => _owned = model;

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in GetStreamingResponseAsync(messages, options, cancellationToken)) updates.Add(update);
        var response = updates.ToChatResponse();
        response.RawRepresentation = updates[^1].RawRepresentation;
        return response;
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var generation = Read(options);
        using var lease = _models.Acquire(_owned is null ? options?.ModelId : null);
        var model = lease.Model;
        var conversation = ChatConversation.From(messages, options?.Instructions);
        var prompt = ChatPrompt.Fit(model, conversation.Turns, conversation.System, generation.MaxNewTokens);
        string[] stops = [.. model.Template.StopStrings, .. options?.StopSequences ?? []];
        var id = $"chatcmpl-{Guid.NewGuid():n}";
        var answer = new Answer();

        await foreach (var piece in model.AnswerInPiecesAsync(prompt.Ids, generation, answer, stops, cancellationToken)) yield return Update(piece.Text.Length > 0 ? [new TextContent(piece.Text)] : [], piece);
        var usage = new UsageDetails
        {
            InputTokenCount = prompt.Ids.Count,
            CachedInputTokenCount = answer.ReusedPromptTokens,
            OutputTokenCount = answer.Ids.Count,
            TotalTokenCount = prompt.Ids.Count + answer.Ids.Count,
        };
        var last = Update([new UsageContent(usage)], answer);
        last.FinishReason = answer.FinishReason == FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
        yield return last;

        ChatResponseUpdate Update(IList<AIContent> contents, object raw) => new(ChatRole.Assistant, contents) { ResponseId = id, MessageId = id, ModelId = lease.Served.Name, RawRepresentation = raw };
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ChatClientMetadata)) return new ChatClientMetadata("alpaca", defaultModelId: _models.Models.Count > 0 ? _models.Models[0].Name : null);
        if (serviceType.IsInstanceOfType(this)) return this;
        return _owned is not null && serviceType.IsInstanceOfType(_owned) ? _owned : serviceType.IsInstanceOfType(_models) ? _models : null;
    }

    /// <inheritdoc />
    public void Dispose() => _owned?.Dispose();

    private GenerationOptions Read(ChatOptions? options)
    {
        if (options is null) return _defaults;
        if (options.Tools is { Count: > 0 }) throw new NotSupportedException("The model was not trained to call tools; leave ChatOptions.Tools empty.");
        if (options.ResponseFormat is ChatResponseFormatJson) throw new NotSupportedException("The model cannot be held to JSON; leave ChatOptions.ResponseFormat as text.");
        var temperature = options.Temperature ?? _defaults.Temperature;
        return _defaults with
        {
            MaxNewTokens = options.MaxOutputTokens ?? _defaults.MaxNewTokens,
            Temperature = temperature,
            TopK = options.TopK ?? _defaults.TopK,
            TopP = options.TopP ?? _defaults.TopP,
            Seed = options.Seed is { } seed ? unchecked((int)seed) : _defaults.Seed,
            PresencePenalty = options.PresencePenalty ?? _defaults.PresencePenalty,
            FrequencyPenalty = options.FrequencyPenalty ?? _defaults.FrequencyPenalty,
            MinP = Number(options, "min_p") ?? _defaults.MinP,
            TopLogProbabilities = (int?)Number(options, "top_logprobs") ?? _defaults.TopLogProbabilities,
            RepetitionPenalty = Number(options, "repetition_penalty") ?? (temperature == 0 && options.Temperature is not null ? 1 : _defaults.RepetitionPenalty),
        };
    }

    private static float? Number(ChatOptions options, string name)
        => options.AdditionalProperties?.TryGetValue(name, out var value) == true && value is IConvertible number
            ? number.ToSingle(System.Globalization.CultureInfo.InvariantCulture)
            : null;
}
