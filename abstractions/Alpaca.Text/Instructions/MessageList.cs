using System.Text;
using System.Text.Json;

namespace Alpaca.Text;

/// <summary>Reads conversations written as messages, OpenAI's or ShareGPT's.</summary>
internal static class MessageList
{
    private enum Speaker { System, User, Assistant }

    /// <summary>Reads a row.</summary>
    /// <param name="row">The object that holds the messages; ShareGPT's may have the system text beside them.</param>
    /// <param name="key">The key of the messages.</param>
    /// <param name="messages">The messages.</param>
    /// <param name="problems">Gets what is wrong with it; only the first thing, since what follows depends on it.</param>
    /// <param name="isAnswered">Whether the last message must be an answer.</param>
    public static Conversation? Read(JsonElement row, string key, JsonElement messages, List<string> problems, bool isAnswered)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            problems.Add($"'{key}' is not a list of messages");
            return null;
        }
        var before = problems.Count;
        var system = ConversationRow.ReadText(row, "system", isRequired: false, problems);
        var turns = new List<ChatTurn>();
        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            var place = $"message {++index}";
            if (problems.Count > before || ReadMessage(message, place, problems) is not var (speaker, text)) return null;
            switch (speaker)
            {
                case Speaker.System when index == 1:
                    system = text;
                    break;
                case Speaker.System:
                    problems.Add($"{place} is a system text in the middle of the conversation");
                    break;
                case Speaker.User:
                    turns.Add(new ChatTurn(text, Assistant: null));
                    break;
                case Speaker.Assistant when turns.Count == 0 || turns[^1].Assistant is not null:
                    problems.Add($"{place} answers although nothing was asked before it");
                    break;
                case Speaker.Assistant:
                    turns[^1] = turns[^1] with { Assistant = text };
                    break;
            }
        }
        if (problems.Count == before && turns.Count == 0) problems.Add(isAnswered ? "it ends without an answer" : "it has no question");
        else if (problems.Count == before && isAnswered && turns[^1].Assistant is null) problems.Add("it ends without an answer");
        return problems.Count > before ? null : new Conversation(turns, system);
    }

    private static (Speaker Speaker, string Text)? ReadMessage(JsonElement message, string place, List<string> problems)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{place} is not an object");
            return null;
        }
        var (roleKey, textKey) = message.TryGetProperty("role", out _) ? ("role", "content") : ("from", "value");
        if (!message.TryGetProperty(roleKey, out var roleValue) || !message.TryGetProperty(textKey, out var textValue))
        {
            problems.Add($"{place} has neither role and content nor from and value");
            return null;
        }
        if (ConversationRow.ReadText(roleValue, $"'{roleKey}' of {place}", problems) is not { } role) return null;
        Speaker? speaker = role.ToLowerInvariant() switch
        {
            "system" or "developer" => Speaker.System,
            "user" or "human" => Speaker.User,
            "assistant" or "gpt" or "model" or "bot" or "chatgpt" => Speaker.Assistant,
            _ => null,
        };
        if (speaker is not { } known)
        {
            problems.Add($"{place} has the role '{role}', and only system, user and assistant can be trained");
            return null;
        }
        return ReadContent(textValue, $"'{textKey}' of {place}", problems) is { } text ? (known, text) : null;
    }

    // A string, or OpenAI's list of parts {"type": "text", "text": ...}.
    private static string? ReadContent(JsonElement content, string name, List<string> problems)
    {
        if (content.ValueKind != JsonValueKind.Array) return ConversationRow.ReadText(content, name, problems);
        var text = new StringBuilder();
        foreach (var part in content.EnumerateArray())
        {
            if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("type", out var type) || !type.ValueEquals("text") || !part.TryGetProperty("text", out var value))
            {
                problems.Add($"{name} has a part that is not text");
                return null;
            }
            if (ConversationRow.ReadText(value, name, problems) is not { } piece) return null;
            text.Append(piece);
        }
        return text.ToString();
    }
}
