using Alpaca.Text;

namespace Alpaca.Evaluation;

/// <summary>Samples as the decoder takes them, padded on the right, which causal attention never looks at.</summary>
/// <param name="InputIds">[B, T].</param>
/// <param name="Positions">Where, in the flattened [B * T], the next token is one of the answer.</param>
/// <param name="Labels">That next token, one for each of <paramref name="Positions"/>.</param>
internal sealed record SupervisedBatch(long[,] InputIds, long[] Positions, long[] Labels)
{
    public static SupervisedBatch Of(IReadOnlyList<SupervisedExample> examples)
    {
        var length = examples.Max(example => example.InputIds.Length);
        var ids = new long[examples.Count, length]; // padded with id 0, whatever that is
        List<long> positions = [], labels = [];
        for (var row = 0; row < examples.Count; row++)
        {
            var example = examples[row];
            for (var t = 0; t < example.InputIds.Length; t++)
            {
                ids[row, t] = example.InputIds[t];
                if (t == 0 || example.Labels[t] == SupervisedEncoder.IgnoreIndex) continue;
                positions.Add((long)row * length + t - 1);
                labels.Add(example.Labels[t]);
            }
        }

        return new SupervisedBatch(ids, [.. positions], [.. labels]);
    }
}
