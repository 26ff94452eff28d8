using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>The answer of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatCompletion(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage Usage);

/// <summary>One of the answers.</summary>
internal sealed record ChatChoice(
    int Index,
    ChatAnswerMessage Message,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogprobs? Logprobs,
    string FinishReason);

/// <summary>What the model said.</summary>
internal sealed record ChatAnswerMessage(string Role, string Content);

/// <summary>A part of a streamed answer of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatCompletionChunk(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChunkChoice> Choices, Usage? Usage);

/// <summary>What comes to one of the answers.</summary>
internal sealed record ChatChunkChoice(
    int Index,
    ChatDelta Delta,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogprobs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);

/// <summary>The text that comes; the first one has the role, the last one nothing.</summary>
internal sealed record ChatDelta(string? Role, string? Content);
