using System.Numerics.Tensors;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>Holds a merged model against its base with the adapters beside it: both must give the same logits on a probe prompt.</summary>
internal sealed class MergeVerification
{
    private readonly StreamedForward _unmerged;
    private readonly StreamedForward _merged;
    private readonly DType _dtype;
    private readonly int[] _ids;

    public MergeVerification(MergePlan plan, ITensorWriter merged)
    {
        _dtype = plan.Tensors[^1].Info.DType;
        _ids = ChooseProbe(plan.Config, plan.Model.Config.VocabSize);
        _unmerged = new StreamedForward(plan.Config, new UnmergedWeights(plan.Tensors), _ids);
        _merged = new StreamedForward(plan.Config, new MergedWeights(merged), _ids);
    }

    /// <summary>The way of the probe through both models, side by side: what each needs before it can go on.</summary>
    public IEnumerable<(DecoderStep Unmerged, DecoderStep Merged)> Steps()
    {
        using var unmerged = _unmerged.Steps().GetEnumerator();
        using var merged = _merged.Steps().GetEnumerator();
        // Not Zip, and not &&: both must be moved to their ends, where the logits are.
        while (unmerged.MoveNext() & merged.MoveNext())
        {
            yield return (unmerged.Current, merged.Current);
        }
    }

    /// <summary>What came out.</summary>
    /// <exception cref="AlpacaException">The logits differ by more than rounding explains, or are no numbers.</exception>
    public VerificationResult Conclude()
    {
        if (_unmerged.Logits is not { } expected || _merged.Logits is not { } actual)
        {
            throw new InvalidOperationException("Not all parts of the model have been passed.");
        }

        var difference = new float[expected.Values.Length];
        TensorPrimitives.Subtract(expected.Values, actual.Values, difference);
        var largest = TensorPrimitives.MaxMagnitude<float>(expected.Values);
        var result = new VerificationResult
        {
            ProbeIds = _ids,
            LargestLogit = Math.Abs(largest),
            LargestDifference = Math.Abs(TensorPrimitives.MaxMagnitude<float>(difference)),
            Tolerance = ToleranceOf(_dtype),
        };
        if (!float.IsFinite(largest))
        {
            throw new AlpacaException(
                "The base model with its adapters gives logits that are no finite numbers, so the merge cannot be verified; check base and adapters (alpaca inspect --digests), or merge with --verify false.");
        }

        return result.Passed
            ? result
            : throw new AlpacaException(
                $"The merged model does not compute what base and adapters do: on the probe prompt the logits differ by up to {result.LargestDifference:G4}, more than {result.Tolerance:G2} of the largest logit {result.LargestLogit:G4}; nothing was published. Check the disk, and report it with this line.");
    }

    // Rounding a weight to a type moves it by up to half a unit in its last place (2^-11 of it in float16, 2^-8 in bfloat16). Averaged over a row that becomes a
    // few ten-thousandths of a projection in float16, eight times that in bfloat16, and a decoder's layers amplify it several-fold (figures: docs/benchmarks.md).
    private static double ToleranceOf(DType dtype) => dtype switch
    {
        DType.Float16 => 0.02,
        DType.BFloat16 => 0.15,
        _ => 0.001,
    };

    // The beginning of a text, ids spread over the old vocabulary, and the first and last of the rows that were added.
    private static int[] ChooseProbe(LlamaConfig config, int baseVocabulary)
    {
        const int Spread = 5;
        var spread = Enumerable.Range(1, Spread).Select(i => (int)((long)(baseVocabulary - 1) * i / (Spread + 1)));
        int[] added = config.VocabSize > baseVocabulary ? [baseVocabulary, config.VocabSize - 1] : [baseVocabulary - 1];
        return [Math.Clamp(config.BosTokenId, 0, baseVocabulary - 1), .. spread, .. added];
    }
}
