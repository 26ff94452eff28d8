namespace Alpaca.Inference.Onnx;

/// <summary>How far an exported graph's logits are from those that its weights and the model's weights give.</summary>
internal sealed record VerificationResult
{
    /// <summary>The prompt.</summary>
    public required IReadOnlyList<int> ProbeIds { get; init; }

    /// <summary>How many of them the graph got at once; the others followed one by one.</summary>
    public required int PromptIds { get; init; }

    /// <summary>The largest absolute logit, over all positions of the prompt.</summary>
    public required double LargestLogit { get; init; }

    /// <summary>The largest difference from the logits of the weights as the graph holds them, quantised ones as they were rounded.</summary>
    public required double LargestDifference { get; init; }

    /// <summary>The largest <see cref="LargestDifference"/> allowed, as a part of <see cref="LargestLogit"/>.</summary>
    public required double Tolerance { get; init; }

    /// <summary>The largest difference from the logits of the model's own weights: what quantising them costs, too.</summary>
    public required double DifferenceFromModel { get; init; }

    /// <summary>At how many positions of the prompt the most probable next id is the model's.</summary>
    public required int SameGreedyIds { get; init; }

    /// <summary>Whether the difference is within the tolerance; one that is no number is not.</summary>
    public bool Passed => LargestDifference <= Tolerance * LargestLogit;
}
