using Alpaca.Text;
using Microsoft.Extensions.AI;

namespace Alpaca.Host;

/// <summary>Chat messages as turns.</summary>
/// <param name="Turns">The turns; the last one has no answer yet.</param>
/// <param name="System">What stands before the first turn, or <see langword="null"/>.</param>
internal sealed record ChatConversation(IReadOnlyList<ChatTurn> Turns, string? System)
{
    // OpenAI's newer name of the system role.
    private static readonly ChatRole Developer = new("developer");

    /// <summary>Pairs each user message with the answer after it, and puts instructions and system messages before the first turn.</summary>
    /// <remarks>Several messages of one side in a row are on lines of their own; an answer before the first question is left out.</remarks>
    /// <exception cref="ArgumentException">The last message is not the user's, or a message is of another role.</exception>
    public static ChatConversation From(IEnumerable<ChatMessage> messages, string? instructions)
    {
        var system = new List<string>();
        if (!string.IsNullOrEmpty(instructions)) system.Add(instructions);
        var turns = new List<ChatTurn>();
        foreach (var message in messages)
        {
            if (message.Role == ChatRole.System || message.Role == Developer) system.Add(message.Text);
            else if (message.Role == ChatRole.User) turns.Add(new ChatTurn(message.Text, null));
            else if (message.Role == ChatRole.Assistant) Answer(turns, message.Text);
            else throw new ArgumentException($"A message has the role '{message.Role}'; there is system, user and assistant.", nameof(messages));
        }

        if (turns is not [.., { Assistant: null }]) throw new ArgumentException("The last message must be the user's.", nameof(messages));
        return new ChatConversation(turns, system.Count > 0 ? string.Join('\n', system) : null);
    }

    private static void Answer(List<ChatTurn> turns, string text)
    {
        if (turns.Count > 0) turns[^1] = turns[^1] with { Assistant = turns[^1].Assistant is { } begun ? $"{begun}\n{text}" : text };
    }
}
