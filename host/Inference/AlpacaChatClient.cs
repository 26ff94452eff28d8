using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Microsoft.Extensions.AI;

namespace Alpaca.Host;

/// <summary>A loaded model behind <see cref="IChatClient"/>. Safe to use from several threads; each call has a KV cache of its own.</summary>
/// <remarks>
/// Tools and JSON response formats are refused, because the model was not trained for them and would ignore them silently. Penalties other than the
/// repetition penalty (<c>repetition_penalty</c> in <see cref="ChatOptions.AdditionalProperties"/>) are not applied.
/// </remarks>
/// <param name="model">The model; disposed with the client.</param>
/// <param name="defaults">How tokens are chosen where a call does not say.</param>
public sealed class AlpacaChatClient(ModelHandle model, GenerationOptions? defaults = null) : IChatClient
{
    private readonly GenerationOptions _defaults = defaults ?? new GenerationOptions();
    private readonly ChatClientMetadata _metadata = new("alpaca", defaultModelId: Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Folder)));

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in GetStreamingResponseAsync(messages, options, cancellationToken)) updates.Add(update);
        return updates.ToChatResponse();
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var generation = Read(options);
        var conversation = ChatConversation.From(messages, options?.Instructions);
        var prompt = ChatPrompt.Fit(model, conversation.Turns, conversation.System, generation.MaxNewTokens);
        string[] stops = [.. model.Template.StopStrings, .. options?.StopSequences ?? []];
        var id = $"chatcmpl-{Guid.NewGuid():n}";
        var answer = new Answer();

        await foreach (var text in model.AnswerAsync(prompt.Ids, generation, answer, stops, cancellationToken)) yield return Update([new TextContent(text)]);
        var usage = new UsageDetails { InputTokenCount = prompt.Ids.Count, OutputTokenCount = answer.Ids.Count, TotalTokenCount = prompt.Ids.Count + answer.Ids.Count };
        var last = Update([new UsageContent(usage)]);
        last.FinishReason = answer.FinishReason == FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
        yield return last;

        ChatResponseUpdate Update(IList<AIContent> contents) => new(ChatRole.Assistant, contents) { ResponseId = id, MessageId = id, ModelId = _metadata.DefaultModelId };
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ChatClientMetadata)) return _metadata;
        if (serviceType.IsInstanceOfType(this)) return this;
        return serviceType.IsInstanceOfType(model) ? model : null;
    }

    /// <inheritdoc />
    public void Dispose() => model.Dispose();

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
            RepetitionPenalty = Penalty(options) ?? (temperature == 0 && options.Temperature is not null ? 1 : _defaults.RepetitionPenalty),
        };
    }

    private static float? Penalty(ChatOptions options)
        => options.AdditionalProperties?.TryGetValue("repetition_penalty", out var value) == true && value is IConvertible number
            ? number.ToSingle(System.Globalization.CultureInfo.InvariantCulture)
            : null;
}
