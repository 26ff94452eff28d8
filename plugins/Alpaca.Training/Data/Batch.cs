using Alpaca.Llama;
using Alpaca.Text;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>Samples as the tensors of one forward pass.</summary>
/// <remarks>
/// Packed, they stand one after another in one row, each with its own positions and attention, and there is no padding. Otherwise each has a row, padded on the right to the longest; plain causal
/// attention is exact there, since padding comes after everything that is real and no label points into it.
/// </remarks>
internal sealed class Batch
{
    private Batch(Tensor inputIds, Segments? segments, Tensor scored, Tensor targets)
    {
        InputIds = inputIds;
        Segments = segments;
        Scored = scored;
        Targets = targets;
    }

    /// <summary>[B, T] int64.</summary>
    public Tensor InputIds { get; }

    /// <summary>The samples of the one row, if they are packed.</summary>
    public Segments? Segments { get; }

    /// <summary>[N] int64, the places of the B·T flattened ones that are scored, ascending.</summary>
    public Tensor Scored { get; }

    /// <summary>[N] int64, the tokens to be predicted there.</summary>
    public Tensor Targets { get; }

    /// <summary>Makes the tensors, in the current dispose scope.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="device">Where the tensors live.</param>
    /// <param name="packed">Whether the samples stand in one row.</param>
    /// <param name="labelledOnly">Whether <see cref="Scored"/> are the places with a label only; otherwise all of them, those without label having the target <see cref="SupervisedEncoder.IgnoreIndex"/>.</param>
    public static Batch Create(IReadOnlyList<TrainingRow> rows, Device device, bool packed, bool labelledOnly = true)
    {
        var samples = rows.Select(row => row.Sample).ToList();
        int[] lengths = [.. samples.Select(sample => sample.InputIds.Length - 1)];
        var (height, width) = packed ? (1, lengths.Sum()) : (samples.Count, lengths.Max());
        var ids = new long[height * width];
        var labels = new long[height * width];
        Array.Fill(labels, SupervisedEncoder.IgnoreIndex);
        var next = 0;
        for (var s = 0; s < samples.Count; s++)
        {
            var first = packed ? next : s * width;
            for (var t = 0; t < lengths[s]; t++) (ids[first + t], labels[first + t]) = (samples[s].InputIds[t], samples[s].Labels[t + 1]);
            next += lengths[s];
        }

        long[] scored = [.. Enumerable.Range(0, labels.Length).Where(place => !labelledOnly || labels[place] != SupervisedEncoder.IgnoreIndex).Select(place => (long)place)];
        return new Batch(
            tensor(ids, [height, width], device: device),
            packed && samples.Count > 1 ? new Segments(lengths, device) : null,
            tensor(scored, device: device),
            tensor(scored.Select(place => labels[place]).ToArray(), device: device));
    }
}
