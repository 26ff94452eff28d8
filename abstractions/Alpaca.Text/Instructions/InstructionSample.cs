namespace Alpaca.Text;

/// <summary>A task and its solution, one row of Alpaca-style training data.</summary>
/// <param name="Instruction">What to do.</param>
/// <param name="Input">What to do it with, if anything.</param>
/// <param name="Output">The answer to learn.</param>
public sealed record InstructionSample(string Instruction, string? Input, string Output);
