namespace Alpaca.Evaluation;

/// <summary>How far another form of a model is from the model.</summary>
public sealed record FormFigures
{
    /// <summary>Its folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The backend that ran it.</summary>
    public required string Backend { get; init; }

    /// <summary>The largest absolute difference of the log-probabilities, in nats, of the tokens of some texts.</summary>
    public required double Difference { get; init; }

    /// <summary>Their mean absolute difference, in nats.</summary>
    public required double MeanDifference { get; init; }

    /// <summary>The share of greedy tokens before the first that differs, ends of answers included, 0 to 1; <see langword="null"/> without trial answers.</summary>
    public double? GreedyAgreement { get; init; }
}
