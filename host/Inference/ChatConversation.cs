using Alpaca.Text;
using Microsoft.Extensions.AI;

namespace Alpaca.Host;

/// <summary>Chat messages as turns.</summary>
/// <param name="Turns">The turns; the last one is the user's.</param>
/// <param name="System">What stands before the first turn, or <see langword="null"/>.</param>
internal sealed record ChatConversation(IReadOnlyList<ChatTurn> Turns, string? System)
{
    /// <summary>Takes the messages of user and assistant as turns, and puts instructions and system messages before the first one.</summary>
    /// <exception cref="ArgumentException">The last message is not the user's, or a message is of another role.</exception>
    public static ChatConversation From(IEnumerable<ChatMessage> messages, string? instructions)
    {
        var system = new List<string>();
        if (!string.IsNullOrEmpty(instructions)) system.Add(instructions);
        var turns = new List<ChatTurn>();
        foreach (var message in messages)
        {
            if (message.Role == ChatRole.System) system.Add(message.Text);
            else if (message.Role == ChatRole.User) turns.Add(ChatTurn.User(message.Text));
            else if (message.Role == ChatRole.Assistant) turns.Add(ChatTurn.Assistant(message.Text));
            else throw new ArgumentException($"A message has the role '{message.Role}'; there is system, user and assistant.", nameof(messages));
        }

        if (turns is not [.., { Role: ChatTurnRole.User }]) throw new ArgumentException("The last message must be the user's.", nameof(messages));
        return new ChatConversation(turns, system.Count > 0 ? string.Join('\n', system) : null);
    }
}
