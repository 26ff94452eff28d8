using System.Runtime.CompilerServices;
using System.Threading.Channels;
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
    public async IAsyncEnumerable<IndexedAnswerPiece> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (Prompts.Count == 1)
        {
            await foreach (var piece in ContinueAsync(0, cancellationToken)) yield return piece;
            yield break;
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pieces = Channel.CreateUnbounded<IndexedAnswerPiece>(new() { SingleReader = true });
        var all = Task.WhenAll(Enumerable.Range(0, Prompts.Count).Select(CopyAsync));
        var closing = all.ContinueWith(task => pieces.Writer.Complete(task.Exception?.InnerException), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            await foreach (var piece in pieces.Reader.ReadAllAsync(CancellationToken.None)) yield return piece;
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            await ending.CancelAsync();
            await closing;
        }

        async Task CopyAsync(int prompt)
        {
            try
            {
                await foreach (var piece in ContinueAsync(prompt, ending.Token)) pieces.Writer.TryWrite(piece);
            }
            catch when (!ending.IsCancellationRequested)
            {
                await ending.CancelAsync(); // the others end too
                throw;
            }
            catch (OperationCanceledException)
            {
                // The reader has left, or another prompt failed and says why.
            }
        }
    }

    private async IAsyncEnumerable<IndexedAnswerPiece> ContinueAsync(int prompt, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var first = prompt * Count;
        await foreach (var piece in Model.AnswerSeveralAsync(Prompts[prompt], Options, [.. Answers.Skip(first).Take(Count)], StopStrings, cancellationToken))
            yield return piece with { Index = first + piece.Index };
    }
}
