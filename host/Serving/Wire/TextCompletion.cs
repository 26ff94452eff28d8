using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>The answer of <c>/v1/completions</c>, and each part of a streamed one.</summary>
internal sealed record TextCompletion(string Id, string Object, long Created, string Model, IReadOnlyList<TextChoice> Choices, Usage? Usage);

/// <summary>One of the continuations, or what comes to it.</summary>
internal sealed record TextChoice(
    string Text,
    int Index,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] TextLogprobs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);

/// <summary>Log-probabilities in columns; the first token of an echoed prompt has none, and no alternatives are known of a prompt's tokens.</summary>
internal sealed record TextLogprobs(
    IReadOnlyList<string> Tokens,
    IReadOnlyList<float?> TokenLogprobs,
    IReadOnlyList<IReadOnlyDictionary<string, float>?> TopLogprobs,
    IReadOnlyList<int> TextOffset);
