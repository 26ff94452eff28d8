using Alpaca.Text;

namespace Alpaca.Training.Tests;

/// <summary>Samples of random tokens.</summary>
internal static class Samples
{
    /// <summary>A prompt and an answer of random ids below 512.</summary>
    public static SupervisedExample Random(int seed, int prompt, int answer)
    {
        var random = new Random(seed);
        int[] ids = [.. Enumerable.Range(0, prompt + answer).Select(_ => random.Next(3, 512))];
        return new SupervisedExample(ids, [.. ids.Select((id, i) => i < prompt ? SupervisedEncoder.IgnoreIndex : id)]);
    }

    public static TrainingRow Row(SupervisedExample sample) => new(sample);
}
