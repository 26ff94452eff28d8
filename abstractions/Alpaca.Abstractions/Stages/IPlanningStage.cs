namespace Alpaca.Abstractions;

/// <summary>A stage that can say what it would do without doing it, which <c>alpaca stage NAME --dry-run</c> prints. Stages implement it beside <see cref="IStage{TRequest,TArtifact}"/>.</summary>
/// <typeparam name="TRequest">The stage's request.</typeparam>
public interface IPlanningStage<in TRequest>
    where TRequest : class
{
    /// <summary>Checks the request as execution would, before its first byte, and describes the work. Writes nothing.</summary>
    /// <param name="request">The options, already checked against their validation attributes.</param>
    /// <returns>What execution would do.</returns>
    /// <exception cref="AlpacaException">The input cannot be used; the same message that execution would give.</exception>
    StagePlan Plan(TRequest request);
}

/// <summary>What a stage would do.</summary>
public sealed record StagePlan
{
    /// <summary>The work in order, a line for a person each.</summary>
    public required IReadOnlyList<string> Steps { get; init; }

    /// <summary>Bytes that the output takes on the disk.</summary>
    public required long OutputBytes { get; init; }

    /// <summary>Bytes of anonymous memory that the stage takes at most, apart from the process itself. Weights that pass by are not counted: they are in the file cache.</summary>
    public required long MemoryBytes { get; init; }
}
