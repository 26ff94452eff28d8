using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Alpaca.Host;

/// <summary>What <c>/v1/chat/completions</c> is asked.</summary>
/// <param name="Messages">The conversation; the last message is the user's.</param>
/// <param name="Sampling">How it is answered.</param>
/// <param name="HasLogprobs">Whether the log-probabilities are wanted.</param>
internal sealed record ChatRequest(IReadOnlyList<ChatMessage> Messages, SamplingFields Sampling, bool HasLogprobs)
{
    private static readonly string[] Roles = ["system", "developer", "user", "assistant"];

    /// <summary>Reads it.</summary>
    /// <exception cref="ApiException">Something is wrong with it; everything is named.</exception>
    public static ChatRequest Read(JsonElement body)
    {
        var fields = new RequestFields(body);
        var messages = ReadMessages(fields);
        var sampling = SamplingFields.Read(fields);
        var hasLogprobs = fields.Flag("logprobs") ?? false;
        if (fields.Integer("top_logprobs", 0, 20) is { } top)
        {
            if (top > 0 && !hasLogprobs) fields.Add("top_logprobs", "needs logprobs to be true.");
            sampling = sampling with { Options = sampling.Options with { TopLogProbabilities = top } };
        }

        foreach (var name in (string[])["tools", "functions"]) fields.Refuse(name, "cannot be used: the model was not trained to call tools.");
        foreach (var name in (string[])["tool_choice", "function_call"]) fields.Refuse(name, "cannot be used: the model was not trained to call tools.", value => value.ValueEqualsText("none") || value.ValueEqualsText("auto"));
        fields.Refuse("response_format", "cannot be used: the model cannot be held to JSON. It must be {\"type\": \"text\"} or absent.", IsPlainText);
        fields.Refuse("modalities", "must be [\"text\"] or absent.", value => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(entry => entry.ValueEqualsText("text")));
        fields.Refuse("audio", "cannot be used: the model only writes.");
        fields.ThrowIfAny();
        return new ChatRequest(messages, sampling, hasLogprobs);
    }

    private static bool IsPlainText(JsonElement format) => format.ValueKind == JsonValueKind.Object && format.TryGetProperty("type", out var type) && type.ValueEqualsText("text");

    private static List<ChatMessage> ReadMessages(RequestFields fields)
    {
        var messages = new List<ChatMessage>();
        if (fields.Find("messages") is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() == 0)
        {
            fields.Add("messages", "must be an array of at least one message.");
            return messages;
        }

        foreach (var (i, message) in list.EnumerateArray().Index())
        {
            var at = $"messages[{i}]";
            if (message.ValueKind != JsonValueKind.Object)
            {
                fields.Add(at, "must be an object.");
                continue;
            }

            var role = message.TryGetProperty("role", out var named) ? RequestFields.TextOf(named) : null;
            if (role is null || !Roles.Contains(role)) fields.Add($"{at}.role", $"must be one of {string.Join(", ", Roles)}.");
            else if (i == list.GetArrayLength() - 1 && role != "user") fields.Add($"{at}.role", "must be user: the last message is what is answered.");
            if (message.TryGetProperty("content", out var content) && ReadContent(fields, content, $"{at}.content") is { } text && role is not null) messages.Add(new ChatMessage(new ChatRole(role), text));
            else if (content.ValueKind == JsonValueKind.Undefined) fields.Add($"{at}.content", "is missing.");
        }

        return messages;
    }

    private static string? ReadContent(RequestFields fields, JsonElement content, string at)
    {
        if (RequestFields.TextOf(content) is { } whole) return whole;
        if (content.ValueKind != JsonValueKind.Array)
        {
            fields.Add(at, "must be a string or an array of text parts, in valid Unicode.");
            return null;
        }

        var text = new StringBuilder();
        foreach (var (i, part) in content.EnumerateArray().Index())
        {
            if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out var type) && type.ValueEqualsText("text") && part.TryGetProperty("text", out var value) && RequestFields.TextOf(value) is { } piece)
                text.Append(piece);
            else
                fields.Add($"{at}[{i}]", "must be {\"type\": \"text\", \"text\": ...}: the model reads text alone.");
        }

        return text.ToString();
    }
}
