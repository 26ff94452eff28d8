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
    private Batch(Tensor inputIds, Tensor? positions, Tensor? attentionMask, Tensor supervised, Tensor targets, int tokens)
    {
        InputIds = inputIds;
        Positions = positions;
        AttentionMask = attentionMask;
        Supervised = supervised;
        Targets = targets;
        Tokens = tokens;
    }

    /// <summary>[B, T] int64.</summary>
    public Tensor InputIds { get; }

    /// <summary>[B, T] int64, counted from the start of each sample; <see langword="null"/> for 0, 1, 2, ….</summary>
    public Tensor? Positions { get; }

    /// <summary>[B, 1, T, T], true where a query (row) sees a key (column); <see langword="null"/> for causal attention.</summary>
    public Tensor? AttentionMask { get; }

    /// <summary>[N] int64, the places of the B·T flattened ones whose prediction has a label, ascending.</summary>
    public Tensor Supervised { get; }

    /// <summary>[N] int64, the tokens to be predicted there.</summary>
    public Tensor Targets { get; }

    /// <summary>Tokens that are not padding.</summary>
    public int Tokens { get; }

    /// <summary>Makes the tensors, in the current dispose scope.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="device">Where the tensors live.</param>
    public static Batch Create(IReadOnlyList<TrainingRow> rows, Device device)
    {
        var width = rows.Max(row => row.Length);
        var ids = new long[rows.Count, width];
        var positions = new long[rows.Count, width];
        var segments = new int[rows.Count, width]; // 0 is padding, which sees itself, so that no softmax runs over nothing
        var supervised = new List<long>();
        var targets = new List<long>();
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
                    if (sample.Labels[t + 1] == SupervisedEncoder.IgnoreIndex) continue;
                    supervised.Add((long)b * width + offset + t);
                    targets.Add(sample.Labels[t + 1]);
                }

                offset += places;
            }
        }

        var packed = rows.Any(row => row.Samples.Count > 1);
        return new Batch(
            tensor(ids, device: device),
            packed ? tensor(positions, device: device) : null,
            packed ? AttentionMasks.CausalWithin(tensor(segments, device: device)) : null,
            tensor(supervised.ToArray(), device: device),
            tensor(targets.ToArray(), device: device),
            rows.Sum(row => row.Length));
    }
}
