using System.Runtime.CompilerServices;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Prompts that are about to be continued, each several times.</summary>
/// <param name="Model">The model.</param>
/// <param name="Prompts">The prompts.</param>
/// <param name="Options">How tokens are chosen.</param>
/// <param name="StopStrings">Texts that end an answer.</param>
/// <param name="Count">How many answers to each prompt.</param>
internal sealed record AnswerRequest(ModelHandle Model, IReadOnlyList<IReadOnlyList<int>> Prompts, GenerationOptions Options, IReadOnlyList<string> StopStrings, int Count)
{
    /// <summary>The answers, those to the first prompt first; filled while the pieces are read.</summary>
    public IReadOnlyList<Answer> Answers { get; } = [.. Enumerable.Range(0, Prompts.Count * Count).Select(_ => new Answer())];

    public Usage Usage => Usage.Of(Answers, Count);

    /// <summary>All pieces as they come; the indices are those of <see cref="Answers"/>.</summary>
    public IAsyncEnumerable<IndexedAnswerPiece> ReadAsync(CancellationToken cancellationToken)
        => MergedStream.ReadAsync(Prompts.Count, ContinueAsync, cancellationToken);

    /// <summary>Reads all pieces into <see cref="Answers"/>.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await foreach (var _ in ReadAsync(cancellationToken))
        {
            // The text is gathered in the answers.
        }
    }

    private async IAsyncEnumerable<IndexedAnswerPiece> ContinueAsync(int prompt, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var first = prompt * Count;
        await foreach (var piece in Model.AnswerSeveralAsync(Prompts[prompt], Options, [.. Answers.Skip(first).Take(Count)], StopStrings, cancellationToken))
            yield return piece with { Index = first + piece.Index };
    }
}
