using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>What turns logits into log-probabilities.</summary>
internal static class LogSumExp
{
    // Vectors whose sum is kept in float before it is added to the total, so that rounding does not grow with the vocabulary.
    private const int Block = 128;

    /// <summary>The largest logit.</summary>
    /// <exception cref="AlpacaException">The logits are not numbers, or none is above -∞.</exception>
    public static float Max(ReadOnlySpan<float> logits)
    {
        var max = TensorPrimitives.Max(logits);
        return float.IsFinite(max)
            ? max
            : throw new AlpacaException("The model produced logits that are not finite numbers; its weights are damaged or overflow in this precision, try fp32.");
    }

    /// <summary>log Σ exp(logit), by way of the largest logit, so that nothing overflows: a logit minus this is its log-probability.</summary>
    /// <param name="logits">At least one.</param>
    /// <param name="max">The largest of them, a finite number.</param>
    public static double Of(ReadOnlySpan<float> logits, float max)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var sum = 0.0;
        for (var start = 0; start < vectors.Length; start += Block)
        {
            var block = Vector<float>.Zero;
            foreach (var vector in vectors.Slice(start, Math.Min(Block, vectors.Length - start))) block += Exp(vector - new Vector<float>(max));
            sum += Vector.Sum(block);
        }

        foreach (var logit in logits[(vectors.Length * Vector<float>.Count)..]) sum += Math.Exp(logit - (double)max);
        return max + Math.Log(sum);
    }

    /// <summary>exp(x) for x up to 0, as Cephes' expf does it; what is below -87 counts as that, which is next to nothing.</summary>
    /// <remarks>In registers, so that the vocabulary is passed over once.</remarks>
    private static Vector<float> Exp(Vector<float> x)
    {
        x = Vector.Max(x, new Vector<float>(-87));
        // exp(x) = 2^n exp(r) with r within ±ln 2 / 2; ln 2 in two parts, so that r is exact.
        var n = Vector.Round(x * 1.44269504f);
        var r = Vector.FusedMultiplyAdd(n, new Vector<float>(-0.693359375f), x);
        r = Vector.FusedMultiplyAdd(n, new Vector<float>(2.12194440e-4f), r);
        var p = new Vector<float>(1.9875691500e-4f);
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(1.3981999507e-3f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(8.3334519073e-3f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(4.1665795894e-2f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(1.6666665459e-1f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(5.0000001201e-1f));
        p = Vector.FusedMultiplyAdd(p, r * r, r + Vector<float>.One);
        var power = Vector.AsVectorSingle(Vector.ShiftLeft(Vector.ConvertToInt32(n) + new Vector<int>(127), 23));
        return p * power;
    }
}
