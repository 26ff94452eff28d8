namespace Alpaca.Abstractions;

/// <summary>An engine that runs a model: TorchSharp, ONNX Runtime, or a third party's.</summary>
public interface IInferenceBackend
{
    /// <summary>The name by which <c>Inference:Backend</c> and <c>--backend</c> choose it; compared without case.</summary>
    string Name { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="modelFolder">The folder of a model in the form this backend runs.</param>
    /// <param name="options">Device, threads, context length.</param>
    /// <param name="cancellationToken">Ends the loading early.</param>
    /// <returns>The loaded model, owned by the caller.</returns>
    /// <exception cref="AlpacaException">The folder does not hold a model this backend runs; the message says which stage makes one.</exception>
    Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default);
}

/// <summary>How a model is loaded.</summary>
public sealed record InferenceOptions
{
    /// <summary>The device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>. The default is <c>cpu</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads for numerics. The default is 0: as many as the machine has cores.</summary>
    public int Threads { get; init; }

    /// <summary>Element type of the weights in memory, where the backend has a choice. The default is <see cref="Precision.Fp32"/>.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>The longest sequence, prompt and answer together. The default is 0: the model's own limit.</summary>
    public int ContextLength { get; init; }
}

/// <summary>A loaded model that continues token sequences.</summary>
/// <remarks>Safe to use from several threads; each call of <see cref="GenerateAsync"/> has a KV cache of its own. Dispose it after the last enumeration ended.</remarks>
public interface ITextGenerator : IDisposable
{
    /// <summary>Rows of the embedding; every token id is below it.</summary>
    int VocabularySize { get; }

    /// <summary>The longest sequence, prompt and answer together.</summary>
    int ContextLength { get; }

    /// <summary>Continues a prompt, one token at a time, until <see cref="GenerationOptions.MaxNewTokens"/>, a stop id, or the context's end.</summary>
    /// <param name="promptIds">The prompt, at least one id, beginning-of-sequence included.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="cancellationToken">Looked at between tokens.</param>
    /// <returns>The tokens as they are chosen. A stop id ends the sequence and is not part of it.</returns>
    /// <exception cref="AlpacaException">The prompt is longer than the context, or holds an id outside the vocabulary.</exception>
    IAsyncEnumerable<GeneratedToken> GenerateAsync(IReadOnlyList<int> promptIds, GenerationOptions options, CancellationToken cancellationToken = default);
}

/// <summary>One chosen token.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">Natural logarithm of its probability under the unmodified distribution (before temperature, penalties and cuts).</param>
public readonly record struct GeneratedToken(int Id, float LogProbability)
{
    /// <summary>The raw logits it was chosen from, [VocabularySize]; empty unless <see cref="GenerationOptions.ReturnLogits"/> is set.</summary>
    public ReadOnlyMemory<float> Logits { get; init; }
}

/// <summary>How tokens are chosen. The defaults are those of the original <c>inference_hf.py</c>.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most tokens to add. The default is 400.</summary>
    public int MaxNewTokens { get; init; } = 400;

    /// <summary>Divides the logits; 0 takes the most likely token (greedy). The default is 0.2.</summary>
    public float Temperature { get; init; } = 0.2f;

    /// <summary>Keeps the k most likely tokens; 0 keeps all. The default is 40.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Keeps the smallest set of tokens whose probability reaches p; 1 keeps all. The default is 0.9.</summary>
    public float TopP { get; init; } = 0.9f;

    /// <summary>
    /// Divides positive and multiplies negative logits of every token seen so far, prompt included; 1 does nothing. The default is 1.1 as in the original, and 1
    /// for greedy decoding (<see cref="Temperature"/> 0), which is penalised only when the caller says so.
    /// </summary>
    public float RepetitionPenalty
    {
        get => _repetitionPenalty ?? (Temperature == 0 ? 1f : 1.1f);
        init => _repetitionPenalty = value;
    }

    private readonly float? _repetitionPenalty;

    /// <summary>Seed of the sampling; the same seed gives the same text. The default is none: a new seed each time.</summary>
    public int? Seed { get; init; }

    /// <summary>Ids that end the answer. The default is none.</summary>
    public IReadOnlyList<int> StopIds { get; init; } = [];

    /// <summary>Whether each token carries its logits. The default is <see langword="false"/>.</summary>
    public bool ReturnLogits { get; init; }
}
