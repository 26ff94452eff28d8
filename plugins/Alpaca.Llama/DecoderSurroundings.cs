using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>What the layers of a decoder share in one pass.</summary>
/// <param name="Rotation">The rotary embedding at the positions.</param>
/// <param name="Mask">What sees what, broadcast to [B, heads, T, S]; <see langword="null"/> is causal.</param>
/// <param name="Segments">Causal only within these; <see langword="null"/> for rows that are one segment each.</param>
public readonly record struct DecoderSurroundings(Rotation Rotation, Tensor? Mask, Segments? Segments = null);

/// <summary>Sequences that stand one after another in one row, [1, T], none of which sees another.</summary>
/// <remarks>Without padding, and without the T x T mask that would say the same. Its tensors are in the dispose scope in which it was made.</remarks>
public sealed class Segments
{
    /// <param name="lengths">Positions of each, at least one.</param>
    /// <param name="device">The model's device.</param>
    public Segments(IReadOnlyList<int> lengths, Device device)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        ArgumentNullException.ThrowIfNull(device);
        Lengths = [.. lengths.Select(length => (long)length)];
        Longest = Lengths.Max();
        // Only the CUDA kernel asks for them.
        if (device.type == DeviceType.CUDA) Boundaries = tensor(Ends(Lengths).Prepend(0).ToArray(), device: device);
    }

    /// <summary>Positions of each.</summary>
    public long[] Lengths { get; }

    /// <summary>Positions of the longest.</summary>
    public long Longest { get; }

    /// <summary>[segments + 1] int32, where each begins, and T; on CUDA only.</summary>
    public Tensor? Boundaries { get; }

    /// <summary>The positions, counted from the start of each segment: [1, T] int64.</summary>
    public Tensor Positions(Device device)
    {
        using var scope = NewDisposeScope();
        var positions = Lengths.SelectMany(length => Enumerable.Range(0, (int)length).Select(t => (long)t)).ToArray();
        return tensor(positions, [1, positions.Length], device: device).MoveToOuterDisposeScope();
    }

    private static IEnumerable<int> Ends(IEnumerable<long> lengths)
    {
        var end = 0;
        foreach (var length in lengths) yield return end += (int)length;
    }
}
