namespace Alpaca.Text;

/// <summary>One row of training data: a task and its solution, or several exchanges, each answer of which is learned.</summary>
/// <param name="Turns">At least one, the last one answered.</param>
/// <param name="System">The system text; <see langword="null"/> for the template's own.</param>
public sealed record Conversation(IReadOnlyList<ChatTurn> Turns, string? System = null)
{
    /// <summary>Where it was read.</summary>
    public RowPlace Place { get; init; }

    /// <summary>A task with its solution.</summary>
    /// <param name="instruction">What to do.</param>
    /// <param name="input">What to do it with, if anything; goes on a line of its own after the instruction.</param>
    /// <param name="output">The answer to learn.</param>
    public static Conversation Of(string instruction, string? input, string output) => new([ChatTurn.Ask(instruction, input) with { Assistant = output }]);
}

/// <summary>A row of a data file, for messages.</summary>
/// <param name="File">The file.</param>
/// <param name="Number">The row's number in a list, or its line in a file of lines; from 1.</param>
/// <param name="IsLine">Whether the number is that of a line.</param>
public readonly record struct RowPlace(string File, int Number, bool IsLine)
{
    /// <summary>For instance <c>data/a.json, row 3</c>.</summary>
    public override string ToString() => File is null ? "an unnamed sample" : $"{File}, {(IsLine ? "line" : "row")} {Number}";
}
