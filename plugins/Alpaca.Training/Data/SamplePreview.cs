using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>Shows samples as the model will see them.</summary>
internal static class SamplePreview
{
    /// <summary>The text of a sample, cut where what is learned begins and ends.</summary>
    public static PreviewSample Of(SupervisedExample sample, ModelTokenizer tokenizer)
    {
        var spans = new List<PreviewSpan>();
        for (var (start, end) = (0, 0); start < sample.InputIds.Length; start = end)
        {
            var isLearned = IsLearned(start);
            while (end < sample.InputIds.Length && IsLearned(end) == isLearned) end++;
            spans.Add(new PreviewSpan(tokenizer.Decode(sample.InputIds[start..end], skipSpecialTokens: false), isLearned));
        }

        return new PreviewSample(sample.Place.ToString(), sample.InputIds.Length, spans);

        bool IsLearned(int index) => sample.Labels[index] != SupervisedEncoder.IgnoreIndex;
    }
}
