using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>Turns the tokens that a model chooses into text as it comes.</summary>
public static class AnswerStream
{
    /// <summary>Continues a prompt.</summary>
    /// <param name="model">The model.</param>
    /// <param name="promptIds">The prompt.</param>
    /// <param name="options">How tokens are chosen; the model's stop ids are added.</param>
    /// <param name="answer">Filled while the text is read.</param>
    /// <param name="stopStrings">Texts that end the answer and are not part of it.</param>
    /// <param name="cancellationToken">Ends it between tokens.</param>
    /// <returns>Pieces of text of whole characters; none for a model without a tokenizer, though <paramref name="answer"/> is filled.</returns>
    public static async IAsyncEnumerable<string> AnswerAsync(
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
        var decoder = model.HasTokenizer ? new StreamingDecoder(model.Tokenizer) : null;
        var stops = new StopStrings(stopStrings ?? []);
        await foreach (var token in model.Generator.GenerateAsync(promptIds, options with { StopIds = [.. options.StopIds, .. model.StopIds] }, cancellationToken))
        {
            if (answer.Ids.Count == 0) answer.FirstLogits = token.Logits;
            answer.Add(token.Id);
            if (decoder is null) continue;
            if (stops.Append(decoder.Append(token.Id)) is { Length: > 0 } text) yield return answer.Add(text);
            if (!stops.Found) continue;
            answer.FinishReason = FinishReason.Stop;
            yield break;
        }

        if (decoder is not null && stops.Append(decoder.Flush()) + stops.Flush() is { Length: > 0 } rest) yield return answer.Add(rest);
        var isFull = answer.Ids.Count >= options.MaxNewTokens || promptIds.Count + answer.Ids.Count >= model.Generator.ContextLength;
        answer.FinishReason = isFull && !stops.Found ? FinishReason.Length : FinishReason.Stop;
    }
}
