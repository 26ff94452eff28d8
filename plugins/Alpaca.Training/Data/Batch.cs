using Alpaca.Llama;
using Alpaca.Text;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>Rows as the tensors of one forward pass, padded on the right to the longest.</summary>
/// <remarks>
/// With one sample a row, plain causal attention is exact: padding comes after everything that is real, and no label points into it. With several, the mask is
/// block-diagonal and positions start anew at each sample, so that no sample sees another.
/// </remarks>
internal sealed class Batch
{
    private Batch(Tensor inputIds, Tensor? positions, Tensor? attentionMask, Tensor scored, Tensor targets, int tokens)
    {
        InputIds = inputIds;
        Positions = positions;
        AttentionMask = attentionMask;
        Scored = scored;
        Targets = targets;
        Tokens = tokens;
    }

    /// <summary>[B, T] int64.</summary>
    public Tensor InputIds { get; }

    /// <summary>[B, T] int64, counted from the start of each sample; <see langword="null"/> for 0, 1, 2, ….</summary>
    public Tensor? Positions { get; }

    /// <summary>[B, 1, T, T], true where a query (row) sees a key (column); <see langword="null"/> for causal attention.</summary>
    public Tensor? AttentionMask { get; }

    /// <summary>[N] int64, the places of the B·T flattened ones that are scored, ascending.</summary>
    public Tensor Scored { get; }

    /// <summary>[N] int64, the tokens to be predicted there.</summary>
    public Tensor Targets { get; }

    /// <summary>Tokens that are not padding.</summary>
    public int Tokens { get; }

    /// <summary>Makes the tensors, in the current dispose scope.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="device">Where the tensors live.</param>
    /// <param name="labelledOnly">Whether <see cref="Scored"/> are the places with a label only; otherwise all of them, those without label having the target <see cref="SupervisedEncoder.IgnoreIndex"/>.</param>
    public static Batch Create(IReadOnlyList<TrainingRow> rows, Device device, bool labelledOnly = true)
    {
        var width = rows.Max(row => row.Length);
        var ids = new long[rows.Count, width];
        var positions = new long[rows.Count, width];
        var segments = new int[rows.Count, width]; // 0 is padding, which sees itself, so that no softmax runs over nothing
        var labels = new long[rows.Count * width]; // [B · T]
        Array.Fill(labels, SupervisedEncoder.IgnoreIndex);
        for (var b = 0; b < rows.Count; b++)
        {
            var offset = 0;
            for (var s = 0; s < rows[b].Samples.Count; s++)
            {
                var sample = rows[b].Samples[s];
                var places = sample.InputIds.Length - 1;
                for (var t = 0; t < places; t++)
                {
                    ids[b, offset + t] = sample.InputIds[t];
                    positions[b, offset + t] = t;
                    segments[b, offset + t] = s + 1;
                    labels[(b * width) + offset + t] = sample.Labels[t + 1];
                }

                offset += places;
            }
        }

        long[] scored = [.. Enumerable.Range(0, labels.Length).Where(place => !labelledOnly || labels[place] != SupervisedEncoder.IgnoreIndex).Select(place => (long)place)];
        var packed = rows.Any(row => row.Samples.Count > 1);
        return new Batch(
            tensor(ids, device: device),
            packed ? tensor(positions, device: device) : null,
            packed ? AttentionMasks.CausalWithin(tensor(segments, device: device)) : null,
            tensor(scored, device: device),
            tensor(scored.Select(place => labels[place]).ToArray(), device: device),
            rows.Sum(row => row.Length));
    }
}
