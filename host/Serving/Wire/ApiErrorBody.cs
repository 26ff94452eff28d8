using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>The body of an answer that says what went wrong.</summary>
internal sealed record ApiErrorBody(ApiError Error);

/// <summary>What went wrong.</summary>
/// <param name="Message">For people.</param>
/// <param name="Type">Its kind, such as <c>invalid_request_error</c>.</param>
/// <param name="Param">The field of the request.</param>
/// <param name="Code">For programs: a word, or a number where llama.cpp has one.</param>
internal sealed record ApiError(
    string Message,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] JsonNode? Code);
