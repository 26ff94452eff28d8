namespace Alpaca.Evaluation;

/// <summary>How well a model predicts the answers of instruction data.</summary>
public sealed record LossFigures
{
    /// <summary>Mean negative log-likelihood of an answer token, in nats.</summary>
    public required double Loss { get; init; }

    /// <summary><c>e</c> to the power of <see cref="Loss"/>.</summary>
    public double Perplexity => Math.Min(Math.Exp(Loss), double.MaxValue);

    /// <summary>The share of answer tokens that were the model's first choice, 0 to 1.</summary>
    public required double TokenAccuracy { get; init; }

    /// <summary>Answer tokens counted, the ends of answers included.</summary>
    public required long Tokens { get; init; }

    /// <summary>Samples counted.</summary>
    public required int Samples { get; init; }

    /// <summary>Samples left out because their prompt alone fills the length at which samples are cut.</summary>
    public required int SkippedSamples { get; init; }

    /// <summary>
    /// Negative log-likelihood of the answers in bits, divided by their length in bytes of UTF-8: comparable between models with different tokenizers. Over the samples that are cut for none of the models
    /// compared; <see langword="null"/> where there is no such sample.
    /// </summary>
    public double? BitsPerByte { get; init; }
}
