using System.Runtime.CompilerServices;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Generation as every backend does it: continuous batching (Yu et al. 2022, "Orca") over an <see cref="IDecoder"/>.</summary>
/// <remarks>
/// All numerics run on one thread of their own. Between two steps sequences join the batch or leave it; a prompt is read in pieces, so that a long one does not hold up the others; and a prompt that begins like
/// what a slot still holds takes those positions over.
/// </remarks>
public sealed class BatchedTextGenerator : ITextGenerator
{
    private readonly DecoderLoop _loop;

    private BatchedTextGenerator(DecoderLoop loop) => _loop = loop;

    /// <inheritdoc />
    public int VocabularySize => _loop.VocabularySize;

    /// <inheritdoc />
    public int ContextLength => _loop.ContextLength;

    /// <inheritdoc />
    public IReadOnlyList<string> Adapters => _loop.Adapters;

    /// <summary>Loads a decoder on a new thread, on which it stays.</summary>
    /// <param name="load">Loads it; called on that thread.</param>
    /// <param name="reusePrefixes">Whether prompts take over what slots hold. The default is <see langword="true"/>.</param>
    /// <returns>The generator; disposing it disposes the decoder.</returns>
    public static async Task<BatchedTextGenerator> StartAsync(Func<IDecoder> load, bool reusePrefixes = true)
    {
        ArgumentNullException.ThrowIfNull(load);
        return new BatchedTextGenerator(await DecoderLoop.StartAsync(load, reusePrefixes).ConfigureAwait(false));
    }

    /// <inheritdoc />
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(IReadOnlyList<int> promptIds, GenerationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(promptIds);
        ArgumentNullException.ThrowIfNull(options);
        ThrowIfUnusable(promptIds, least: 1);
        // The sampler checks the options, here rather than at the first token.
        return GenerateCoreAsync([.. promptIds], options, AdapterIndex(options.Adapter), new TokenSampler(options, _loop.SamplingBuffers), cancellationToken);
    }

    /// <inheritdoc />
    public Task<float[]> ScoreAsync(IReadOnlyList<int> ids, string? adapter = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ThrowIfUnusable(ids, least: 2);
        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled<float[]>(cancellationToken);
        var sequence = new ScoredSequence([.. ids], AdapterIndex(adapter), VocabularySize, cancellationToken);
        _loop.Add(sequence);
        return sequence.Result;
    }

    /// <inheritdoc />
    public Task<float[]> EmbedAsync(IReadOnlyList<int> ids, string? adapter = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ThrowIfUnusable(ids, least: 1);
        var task = new EmbeddingTask([.. ids], AdapterIndex(adapter), cancellationToken);
        _loop.Add(task);
        return task.Result;
    }

    /// <summary>Ends the sequences that still run, and the decoder.</summary>
    public void Dispose() => _loop.Dispose();

    private async IAsyncEnumerable<GeneratedToken> GenerateCoreAsync(
        List<int> ids, GenerationOptions options, int? adapter, TokenSampler sampler, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var capacity = (int)Math.Min(ContextLength, (long)ids.Count + options.MaxNewTokens);
        if (ids.Count >= capacity) yield break;

        var sequence = new DecodingSequence(ids, capacity, [.. options.StopIds], adapter, sampler, cancellationToken);
        _loop.Add(sequence);

        // Once for all tokens: a channel that is given a token allocates for each wait.
        await using var cancellation = cancellationToken.UnsafeRegister(static state => ((DecodingSequence)state!).End(), sequence).ConfigureAwait(false);
        try
        {
            await foreach (var token in sequence.Tokens.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                cancellationToken.ThrowIfCancellationRequested(); // also before tokens that are there already
                yield return token;
            }
        }
        finally
        {
            sequence.Abandon(); // frees its slot when nobody reads on
        }
    }

    private int? AdapterIndex(string? name)
    {
        if (name is null) return null;
        for (var i = 0; i < Adapters.Count; i++)
        {
            if (Adapters[i] == name) return i;
        }

        throw new AlpacaUsageException($"There is no adapter '{name}' beside this model; {(Adapters.Count == 0 ? "none was loaded" : $"there is {string.Join(", ", Adapters)}")}.");
    }

    private void ThrowIfUnusable(IReadOnlyList<int> ids, int least)
    {
        if (ids.Count < least)
        {
            throw new AlpacaException(least == 1
                ? "The prompt is empty; give at least one token, normally the beginning of sequence."
                : "The text is too short; give at least two tokens, normally the beginning of sequence and one more.");
        }

        if (ids.Count > ContextLength)
            throw new AlpacaException($"The prompt has {ids.Count} tokens but the model's context is {ContextLength}; shorten the prompt.");
        for (var i = 0; i < ids.Count; i++)
        {
            if (ids[i] < 0 || ids[i] >= VocabularySize)
                throw new AlpacaException(
                    $"The prompt's token {i} has the id {ids[i]}, but the model's vocabulary has {VocabularySize} ids; use the tokenizer that belongs to the model.");
        }
    }
}
