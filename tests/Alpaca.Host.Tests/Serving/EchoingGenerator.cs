using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>A model that says one thing, or talks without end, to many at once, and knows how many listen.</summary>
/// <param name="answer">What it says; <see langword="null"/> for the letter a without end.</param>
internal sealed class EchoingGenerator(string? answer) : ITextGenerator
{
    private static readonly int Letter = ScriptedGenerator.Tokenizer.Encode("a")[^1];
    private readonly IReadOnlyList<int> _ids = answer is null ? [] : ScriptedGenerator.Tokenizer.Encode(answer, addEos: true);
    private int _running;

    public int VocabularySize => ScriptedGenerator.Tokenizer.VocabularySize;

    public int ContextLength { get; init; } = 2048;

    public IReadOnlyList<string> Adapters { get; init; } = [];

    /// <summary>What every token waits for.</summary>
    public Func<CancellationToken, Task> Pace { get; set; } = _ => Task.CompletedTask;

    /// <summary>Thrown before the token of that number.</summary>
    public (int Token, Exception Error)? Failure { get; set; }

    /// <summary>Whether it scores and embeds.</summary>
    public bool OnlyTalks { get; init; }

    /// <summary>How many sequences are being continued.</summary>
    public int Running => Volatile.Read(ref _running);

    public ConcurrentQueue<(IReadOnlyList<int> PromptIds, GenerationOptions Options)> Asked { get; } = [];

    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(IReadOnlyList<int> promptIds, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Asked.Enqueue(([.. promptIds], options));
        Interlocked.Increment(ref _running);
        try
        {
            for (var i = 0; i < options.MaxNewTokens && promptIds.Count + i < ContextLength; i++)
            {
                await Task.Yield();
                await Pace(cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                if (Failure is { } failure && failure.Token == i) throw failure.Error;
                var id = answer is null ? Letter : _ids[i];
                if (options.StopIds.Contains(id)) yield break;
                yield return new GeneratedToken(id, -0.5f)
                {
                    Alternatives = Enumerable.Range(0, options.TopLogProbabilities).Select(k => k == 0 ? new TokenLogProbability(id, -0.5f) : new TokenLogProbability(300 + k, -1f - k)).ToArray(),
                    ReusedPromptTokens = i == 0 ? 3 : 0,
                };
            }
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public Task<float[]> ScoreAsync(IReadOnlyList<int> ids, string? adapter = null, CancellationToken cancellationToken = default)
        => OnlyTalks ? throw new AlpacaException("This backend does not score texts.") : Task.FromResult(ids.Skip(1).Select(id => -id / 1000f).ToArray());

    public Task<float[]> EmbedAsync(IReadOnlyList<int> ids, string? adapter = null, CancellationToken cancellationToken = default)
        => OnlyTalks ? throw new AlpacaException("This backend makes no embeddings.") : Task.FromResult(new float[] { 3 * ids.Count, 0, 4 * ids.Count });

    public void Dispose()
    {
    }
}
