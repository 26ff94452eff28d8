namespace Alpaca.Text;

/// <summary>One row of training data: a task and its solution, or several exchanges, each answer of which is learned.</summary>
/// <param name="Turns">At least one, the last one answered.</param>
/// <param name="System">The system text; <see langword="null"/> for the template's own.</param>
public sealed record Conversation(IReadOnlyList<ChatTurn> Turns, string? System = null)
{
    /// <summary>A task with its solution.</summary>
    /// <param name="instruction">What to do.</param>
    /// <param name="input">What to do it with, if anything; goes on a line of its own after the instruction.</param>
    /// <param name="output">The answer to learn.</param>
    public static Conversation Of(string instruction, string? input, string output) => new([ChatTurn.Ask(instruction, input) with { Assistant = output }]);
}
