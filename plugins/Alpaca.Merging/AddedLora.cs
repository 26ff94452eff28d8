using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>What one adapter adds to one tensor: scaling · B · A.</summary>
internal sealed record AddedLora(ITensorSource Source, LoraPair Pair, float Scaling)
{
    public int Rank => (int)Pair.A.Shape[0];
}
