using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>What one adapter does to one tensor of the base.</summary>
internal abstract record MergeStep;

/// <summary>The adapter brings the whole tensor (<c>modules_to_save</c>).</summary>
internal sealed record ReplaceStep(ITensorSource Source, TensorInfo Tensor) : MergeStep;

/// <summary>The adapter adds scaling · B · A.</summary>
internal sealed record AddLoraStep(ITensorSource Source, LoraPair Pair, float Scaling) : MergeStep
{
    public int Rank => (int)Pair.A.Shape[0];
}
