namespace Alpaca.Inference.Onnx.Tests;

/// <summary>How far logits are apart.</summary>
internal static class LogitDifference
{
    public static float Between(IReadOnlyCollection<float> actual, IReadOnlyCollection<float> expected)
    {
        actual.Should().HaveSameCount(expected);
        return actual.Zip(expected, (a, e) => Math.Abs(a - e)).Max();
    }

    /// <summary>The largest difference as a part of the largest logit.</summary>
    public static float RelativeBetween(IReadOnlyCollection<float> actual, IReadOnlyCollection<float> expected) => Between(actual, expected) / expected.Max(Math.Abs);
}
