namespace Alpaca.Text;

/// <summary>One exchange of a conversation.</summary>
/// <param name="User">What the person said.</param>
/// <param name="Assistant">What the model answered; <see langword="null"/> while there is no answer.</param>
public sealed record ChatTurn(string User, string? Assistant)
{
    /// <summary>A task without answer yet.</summary>
    /// <param name="instruction">What to do.</param>
    /// <param name="input">What to do it with; goes on a line of its own after the instruction unless it is empty.</param>
    public static ChatTurn Ask(string instruction, string? input = null)
    {
        ArgumentNullException.ThrowIfNull(instruction);
        return new ChatTurn(string.IsNullOrEmpty(input) ? instruction : $"{instruction}\n{input}", Assistant: null);
    }
}
