namespace Alpaca.Merging;

/// <summary>How far the logits of a merged model are from those of base and adapters.</summary>
internal sealed record VerificationResult
{
    /// <summary>The prompt.</summary>
    public required IReadOnlyList<int> ProbeIds { get; init; }

    /// <summary>The largest absolute logit of base and adapters, over all positions of the prompt.</summary>
    public required double LargestLogit { get; init; }

    /// <summary>The largest absolute difference between logits.</summary>
    public required double LargestDifference { get; init; }

    /// <summary>The largest difference allowed, as a part of <see cref="LargestLogit"/>.</summary>
    public required double Tolerance { get; init; }

    /// <summary>Whether the difference is within the tolerance.</summary>
    public bool Passed => LargestDifference <= Tolerance * LargestLogit;
}
