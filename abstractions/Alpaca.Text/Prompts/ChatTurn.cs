namespace Alpaca.Text;

/// <summary>One contribution to a conversation.</summary>
/// <param name="Role">Whose it is.</param>
/// <param name="Text">What was said.</param>
public sealed record ChatTurn(ChatTurnRole Role, string Text)
{
    /// <summary>What the person said.</summary>
    public static ChatTurn User(string text) => new(ChatTurnRole.User, text);

    /// <summary>What the model answered.</summary>
    public static ChatTurn Assistant(string text) => new(ChatTurnRole.Assistant, text);
}

/// <summary>The parties of a conversation.</summary>
public enum ChatTurnRole
{
    /// <summary>The person.</summary>
    User,

    /// <summary>The model.</summary>
    Assistant,
}
