namespace Alpaca.Abstractions;

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

    /// <summary>Keeps tokens at least this many times as probable as the most probable one; 0 keeps all. The default is 0.</summary>
    public float MinP { get; init; }

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

    /// <summary>Taken from the logit of every token that the answer holds already; -2 to 2. The default is 0.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Taken from the logit of a token once for each time that the answer holds it already; -2 to 2. The default is 0.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Seed of the sampling; the same seed gives the same text. The default is none: a new seed each time.</summary>
    public int? Seed { get; init; }

    /// <summary>Ids that end the answer. The default is none.</summary>
    public IReadOnlyList<int> StopIds { get; init; } = [];

    /// <summary>How many of the most probable tokens each token carries beside itself (<see cref="GeneratedToken.Alternatives"/>); 0 to 20. The default is 0.</summary>
    public int TopLogProbabilities { get; init; }

    /// <summary>Whether each token carries its logits. The default is <see langword="false"/>.</summary>
    public bool ReturnLogits { get; init; }

    /// <summary>The adapter that is applied, one of <see cref="ITextGenerator.Adapters"/>. The default is none: the model alone.</summary>
    public string? Adapter { get; init; }
}
