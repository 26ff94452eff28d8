using System.Runtime.CompilerServices;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Turns the tokens that a model chooses into text as it comes.</summary>
public static class AnswerStream
{
    /// <summary>Continues a prompt, as text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="promptIds">The prompt.</param>
    /// <param name="options">How tokens are chosen; the model's stop ids are added.</param>
    /// <param name="answer">Filled while the text is read.</param>
    /// <param name="stopStrings">Texts that end the answer and are not part of it.</param>
    /// <param name="cancellationToken">Ends it between tokens.</param>
    /// <returns>Pieces of text of whole characters, none of them empty; none for a model without a tokenizer, though <paramref name="answer"/> is filled.</returns>
    public static async IAsyncEnumerable<string> AnswerAsync(
        this ModelHandle model,
        IReadOnlyList<int> promptIds,
        GenerationOptions options,
        Answer answer,
        IReadOnlyList<string>? stopStrings = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var piece in model.AnswerInPiecesAsync(promptIds, options, answer, stopStrings, cancellationToken))
        {
            if (piece.Text.Length > 0) yield return piece.Text;
        }
    }

    /// <summary>Continues a prompt, as text with its tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="promptIds">The prompt.</param>
    /// <param name="options">How tokens are chosen; the model's stop ids are added.</param>
    /// <param name="answer">Filled while the pieces are read; it has everything that they have.</param>
    /// <param name="stopStrings">Texts that end the answer and are not part of it.</param>
    /// <param name="cancellationToken">Ends it between tokens.</param>
    /// <returns>The pieces as they come. Of a model without a tokenizer they have tokens only.</returns>
    public static async IAsyncEnumerable<AnswerPiece> AnswerInPiecesAsync(
        this ModelHandle model,
        IReadOnlyList<int> promptIds,
        GenerationOptions options,
        Answer answer,
        IReadOnlyList<string>? stopStrings = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(promptIds);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(answer);
        answer.PromptTokens = promptIds.Count;
        var assembler = new AnswerAssembler(model.HasTokenizer ? model.Tokenizer : null, stopStrings ?? []);
        await foreach (var token in model.Generator.GenerateAsync(promptIds, options with { StopIds = [.. options.StopIds, .. model.StopIds], Adapter = options.Adapter ?? model.Adapter }, cancellationToken))
        {
            if (answer.Ids.Count == 0) (answer.FirstLogits, answer.ReusedPromptTokens) = (token.Logits, token.ReusedPromptTokens);
            answer.Add(token.Id);
            if (assembler.Append(token) is { } piece) yield return answer.Add(piece);
            if (!assembler.IsStopped) continue;
            answer.FinishReason = FinishReason.Stop;
            yield break;
        }

        if (assembler.End() is { } rest) yield return answer.Add(rest);
        var isFull = answer.Ids.Count >= options.MaxNewTokens || promptIds.Count + answer.Ids.Count >= model.Generator.ContextLength;
        answer.FinishReason = isFull && !assembler.IsStopped ? FinishReason.Length : FinishReason.Stop;
    }

    /// <summary>Continues a prompt several times at once, with the seeds seed, seed + 1, ... where there is one.</summary>
    /// <param name="model">The model.</param>
    /// <param name="promptIds">The prompt.</param>
    /// <param name="options">How tokens are chosen; the model's stop ids are added.</param>
    /// <param name="answers">One for each answer that is wanted; filled while the pieces are read.</param>
    /// <param name="stopStrings">Texts that end an answer and are not part of it.</param>
    /// <param name="cancellationToken">Ends all of them between tokens.</param>
    /// <returns>The pieces of all answers as they come; when an answer is complete, one with no piece. An error of one of them ends all.</returns>
    public static IAsyncEnumerable<IndexedAnswerPiece> AnswerSeveralAsync(
        this ModelHandle model,
        IReadOnlyList<int> promptIds,
        GenerationOptions options,
        IReadOnlyList<Answer> answers,
        IReadOnlyList<string>? stopStrings = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(answers);
        return MergedStream.ReadAsync(answers.Count, AnswerAsync, cancellationToken);

        async IAsyncEnumerable<IndexedAnswerPiece> AnswerAsync(int index, [EnumeratorCancellation] CancellationToken token)
        {
            var own = options.Seed is { } seed ? options with { Seed = unchecked(seed + index) } : options;
            await foreach (var piece in model.AnswerInPiecesAsync(promptIds, own, answers[index], stopStrings, token)) yield return new IndexedAnswerPiece(index, piece);
            yield return new IndexedAnswerPiece(index, null);
        }
    }
}
