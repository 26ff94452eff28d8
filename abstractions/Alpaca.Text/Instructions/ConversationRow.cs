using System.Text.Json;

namespace Alpaca.Text;

/// <summary>Reads a row of instruction data in whichever of the common shapes it has.</summary>
/// <remarks>
/// Alpaca's <c>{"instruction", "input", "output", "history": [[question, answer], ...], "system"}</c>, or a list of messages: OpenAI's
/// <c>{"messages": [{"role", "content"}]}</c> and ShareGPT's <c>{"conversations": [{"from", "value"}], "system"}</c>, in either spelling of the messages. Other keys are ignored.
/// </remarks>
internal static class ConversationRow
{
    /// <summary>Reads a row.</summary>
    /// <param name="row">Any JSON value.</param>
    /// <param name="problems">Gets what is wrong with it.</param>
    /// <param name="isAnswered">Whether it must end with an answer; otherwise <c>prompt</c> may also stand for <c>instruction</c>, and an empty answer is none.</param>
    /// <returns>The conversation, or <see langword="null"/> if there is a problem.</returns>
    public static Conversation? Read(JsonElement row, List<string> problems, bool isAnswered)
    {
        if (row.ValueKind != JsonValueKind.Object)
        {
            problems.Add("not an object with instruction and output, messages or conversations");
            return null;
        }
        return row.TryGetProperty("messages", out var messages) ? MessageList.Read(row, "messages", messages, problems, isAnswered)
            : row.TryGetProperty("conversations", out messages) ? MessageList.Read(row, "conversations", messages, problems, isAnswered)
            : ReadAlpaca(row, problems, isAnswered);
    }

    /// <summary>The string of a key; problems are told.</summary>
    /// <returns>The string, or <see langword="null"/> if there is none.</returns>
    public static string? ReadText(JsonElement row, string key, bool isRequired, List<string> problems)
    {
        if (!row.TryGetProperty(key, out var value))
        {
            if (isRequired) problems.Add($"'{key}' is missing");
            return null;
        }
        if (value.ValueKind == JsonValueKind.Null && !isRequired) return null;
        return ReadText(value, $"'{key}'", problems);
    }

    /// <summary>The string that a value is; problems are told.</summary>
    public static string? ReadText(JsonElement value, string name, List<string> problems)
    {
        try
        {
            if (value.ValueKind == JsonValueKind.String) return value.GetString();
            problems.Add(value.ValueKind == JsonValueKind.Null ? $"{name} is null" : $"{name} is not a string");
        }
        catch (InvalidOperationException)
        {
            problems.Add($"{name} holds half of a surrogate pair"); // "\ud83d" without its other half
        }
        return null;
    }

    private static Conversation? ReadAlpaca(JsonElement row, List<string> problems, bool isAnswered)
    {
        var before = problems.Count;
        var instruction = ReadText(row, !isAnswered && row.TryGetProperty("prompt", out _) ? "prompt" : "instruction", isRequired: true, problems);
        var input = ReadText(row, "input", isRequired: false, problems);
        var output = ReadText(row, "output", isRequired: isAnswered, problems);
        if (!isAnswered && output is "") output = null;
        var system = ReadText(row, "system", isRequired: false, problems);
        var turns = new List<ChatTurn>();
        if (row.TryGetProperty("history", out var history) && history.ValueKind != JsonValueKind.Null) ReadHistory(history, turns, problems);
        if (problems.Count > before) return null;
        turns.Add(ChatTurn.Ask(instruction!, input) with { Assistant = output });
        return new Conversation(turns, system);
    }

    private static void ReadHistory(JsonElement history, List<ChatTurn> turns, List<string> problems)
    {
        if (history.ValueKind != JsonValueKind.Array)
        {
            problems.Add("'history' is not a list of [question, answer]");
            return;
        }
        foreach (var turn in history.EnumerateArray())
        {
            var place = $"turn {turns.Count + 1} of 'history'";
            if (turn.ValueKind != JsonValueKind.Array || turn.GetArrayLength() != 2)
            {
                problems.Add($"{place} is not [question, answer]");
                return;
            }
            var (question, answer) = (ReadText(turn[0], $"the question in {place}", problems), ReadText(turn[1], $"the answer in {place}", problems));
            if (question is null || answer is null) return;
            turns.Add(new ChatTurn(question, answer));
        }
    }
}
