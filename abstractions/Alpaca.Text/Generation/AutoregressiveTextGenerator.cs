using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Generation as every backend does it; a backend adds only the forward pass, as an <see cref="IDecodingSession"/>.</summary>
/// <remarks>
/// Each call of <see cref="GenerateAsync"/> has a session of its own. A forward pass and the choice of its token run synchronously, as one piece, on a thread of the
/// pool; cancellation is looked at between them, and the session is disposed when the enumeration ends in whatever way.
/// </remarks>
public abstract class AutoregressiveTextGenerator : ITextGenerator
{
    /// <inheritdoc />
    public abstract int VocabularySize { get; }

    /// <inheritdoc />
    public abstract int ContextLength { get; }

    /// <inheritdoc />
    /// <exception cref="AlpacaUsageException">An option is out of range.</exception>
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> promptIds, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(promptIds);
        ArgumentNullException.ThrowIfNull(options);
        ThrowIfUnusable(promptIds);
        // The sampler checks the options, here rather than at the first token.
        return GenerateCoreAsync([.. promptIds], options, new TokenSampler(options), cancellationToken);
    }

    /// <inheritdoc />
    public abstract void Dispose();

    /// <summary>Starts an empty sequence. Called on a thread of the pool.</summary>
    /// <param name="capacity">The most ids it will hold, at most <see cref="ContextLength"/>.</param>
    protected abstract IDecodingSession StartSession(int capacity);

    private async IAsyncEnumerable<GeneratedToken> GenerateCoreAsync(
        List<int> ids, GenerationOptions options, TokenSampler sampler, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var capacity = (int)Math.Min(ContextLength, (long)ids.Count + options.MaxNewTokens);
        if (ids.Count >= capacity) yield break;

        cancellationToken.ThrowIfCancellationRequested();
        var logits = new float[VocabularySize];
        var session = await Task.Run(() => StartSession(capacity), cancellationToken).ConfigureAwait(false);
        try
        {
            for (var processed = 0; ids.Count < capacity;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var from = processed;
                // Not cancelled inside: a half-done pass would leave the cache in an unknown state.
                var token = await Task.Run(
                    () =>
                    {
                        session.Forward(CollectionsMarshal.AsSpan(ids)[from..], logits);
                        return sampler.Next(logits, ids);
                    },
                    CancellationToken.None).ConfigureAwait(false);
                processed = ids.Count;
                if (options.StopIds.Contains(token.Id)) yield break;
                ids.Add(token.Id);
                yield return token;
            }
        }
        finally
        {
            session.Dispose();
        }
    }

    private void ThrowIfUnusable(IReadOnlyList<int> promptIds)
    {
        if (promptIds.Count == 0) throw new AlpacaException("The prompt is empty; give at least one token, normally the beginning of sequence.");
        if (promptIds.Count > ContextLength)
            throw new AlpacaException($"The prompt has {promptIds.Count} tokens but the model's context is {ContextLength}; shorten the prompt.");
        for (var i = 0; i < promptIds.Count; i++)
        {
            if (promptIds[i] < 0 || promptIds[i] >= VocabularySize)
                throw new AlpacaException(
                    $"The prompt's token {i} has the id {promptIds[i]}, but the model's vocabulary has {VocabularySize} ids; use the tokenizer that belongs to the model.");
        }
    }
}
