using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>Boolean attention masks; true lets a query (row) see a key (column).</summary>
public static class AttentionMasks
{
    /// <summary>The last <paramref name="queries"/> positions of a sequence, each of which sees itself and all before it.</summary>
    /// <param name="queries">T, the positions being computed.</param>
    /// <param name="keys">S, all positions up to now, at least T.</param>
    /// <param name="device">The model's device.</param>
    /// <returns>[T, S].</returns>
    public static Tensor Causal(long queries, long keys, Device device)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keys, queries);
        using var scope = NewDisposeScope();
        return ones(queries, keys, dtype: ScalarType.Bool, device: device).tril(keys - queries).MoveToOuterDisposeScope();
    }

    /// <summary>Causal attention within segments: a position sees itself and those before it that carry its number.</summary>
    /// <remarks>
    /// Serves packed rows (number the samples) and padding on either side (give it a number of its own). Batches padded on the right need no mask at all for
    /// causal attention, since nothing looks ahead.
    /// </remarks>
    /// <param name="segments">[B, T], any integer type.</param>
    /// <returns>[B, 1, T, T].</returns>
    public static Tensor CausalWithin(Tensor segments)
    {
        ArgumentNullException.ThrowIfNull(segments);
        using var scope = NewDisposeScope();
        var same = segments.unsqueeze(-1).eq(segments.unsqueeze(-2)); // [B, T, 1] = [B, 1, T] -> [B, T, T]
        return same.tril().unsqueeze(1).MoveToOuterDisposeScope();
    }
}
