namespace Alpaca.Abstractions;

/// <summary>A loaded model that continues token sequences.</summary>
/// <remarks>Safe to use from several threads; sequences do not see each other. Disposing it ends those that still run with an <see cref="ObjectDisposedException"/>.</remarks>
public interface ITextGenerator : IDisposable
{
    /// <summary>Rows of the embedding; every token id is below it.</summary>
    int VocabularySize { get; }

    /// <summary>The longest sequence, prompt and answer together.</summary>
    int ContextLength { get; }

    /// <summary>The names of the adapters that were loaded with the model.</summary>
    IReadOnlyList<string> Adapters => [];

    /// <summary>Continues a prompt, one token at a time, until <see cref="GenerationOptions.MaxNewTokens"/>, a stop id, or the context's end.</summary>
    /// <param name="promptIds">The prompt, at least one id, beginning-of-sequence included.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="cancellationToken">Looked at between tokens.</param>
    /// <returns>The tokens as they are chosen. A stop id ends the sequence and is not part of it.</returns>
    /// <exception cref="AlpacaException">The prompt is longer than the context, or holds an id outside the vocabulary.</exception>
    /// <exception cref="AlpacaUsageException">An option is out of range, or names an adapter that is not loaded.</exception>
    IAsyncEnumerable<GeneratedToken> GenerateAsync(IReadOnlyList<int> promptIds, GenerationOptions options, CancellationToken cancellationToken = default);

    /// <summary>How probable the model finds a text.</summary>
    /// <param name="ids">The text, at least two ids, beginning-of-sequence included.</param>
    /// <param name="adapter">One of <see cref="Adapters"/>; <see langword="null"/> for the model alone.</param>
    /// <param name="cancellationToken">Ends the work early.</param>
    /// <returns>For each id but the first, the natural logarithm of its probability after those before it: [ids - 1].</returns>
    /// <exception cref="AlpacaException">The text is longer than the context, holds an id outside the vocabulary, or the backend does not score.</exception>
    Task<float[]> ScoreAsync(IReadOnlyList<int> ids, string? adapter = null, CancellationToken cancellationToken = default)
        => throw new AlpacaException("This backend does not score texts; use Torch or Onnx.");

    /// <summary>A vector that stands for a text: the mean of the last hidden state over its positions, not normalised.</summary>
    /// <param name="ids">The text, at least one id, beginning-of-sequence included.</param>
    /// <param name="adapter">One of <see cref="Adapters"/>; <see langword="null"/> for the model alone.</param>
    /// <param name="cancellationToken">Ends the work early.</param>
    /// <returns>[hidden size].</returns>
    /// <exception cref="AlpacaException">The text is longer than the context, holds an id outside the vocabulary, or the backend or the model has no embeddings.</exception>
    Task<float[]> EmbedAsync(IReadOnlyList<int> ids, string? adapter = null, CancellationToken cancellationToken = default)
        => throw new AlpacaException("This backend makes no embeddings; use Torch or Onnx.");
}

/// <summary>One chosen token.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">Natural logarithm of its probability under the unmodified distribution (before temperature, penalties and cuts).</param>
public readonly record struct GeneratedToken(int Id, float LogProbability)
{
    /// <summary>The raw logits it was chosen from, [VocabularySize]; empty unless <see cref="GenerationOptions.ReturnLogits"/> is set.</summary>
    public ReadOnlyMemory<float> Logits { get; init; }

    /// <summary>The most probable tokens in its place, best first; empty unless <see cref="GenerationOptions.TopLogProbabilities"/> asks for them.</summary>
    public ReadOnlyMemory<TokenLogProbability> Alternatives { get; init; }

    /// <summary>With the first token of a sequence, the prompt's positions that were taken over from an earlier one; otherwise 0.</summary>
    public int ReusedPromptTokens { get; init; }
}

/// <summary>A token and the natural logarithm of its probability under the unmodified distribution.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">At most 0.</param>
public readonly record struct TokenLogProbability(int Id, float LogProbability);
