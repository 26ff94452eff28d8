using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

/// <summary>The sampler against the same thing written down as plainly as can be.</summary>
public sealed class TokenSamplerReferenceTests
{
    private const int Vocabulary = 3000;

    [Fact]
    public void Next_AnyOptions_ChoosesAsThePlainFormDoes()
    {
        var random = new Random(7);
        T Any<T>(params T[] values) => values[random.Next(values.Length)];
        for (var run = 0; run < 400; run++)
        {
            var options = new GenerationOptions
            {
                Temperature = Any(0, 0.2f, 1, 1.7f),
                TopK = Any(0, 1, 5, 40, 1000, 5000),
                TopP = Any(1, 0.91f, 0.53f, 0.013f), // no simple fractions, at which rounding decides between equals
                MinP = Any(0, 0.02f, 0.5f),
                RepetitionPenalty = Any(1, 1.1f, 0.8f),
                PresencePenalty = Any(0, 0.7f, -1),
                FrequencyPenalty = Any(0, 0.4f, -0.3f),
                TopLogProbabilities = Any(0, 3, 20),
                Seed = run,
            };
            var spread = Any(0.01f, 1, 4);
            var logits = Enumerable.Range(0, Vocabulary).Select(_ => random.Next(20) == 0 ? float.NegativeInfinity : (random.NextSingle() - 0.5f) * 6 * spread).ToArray();
            if (random.Next(3) == 0) for (var i = 0; i < Vocabulary; i++) logits[i] = MathF.Round(logits[i] * 2) / 2; // many that are equal
            int[] seen = [.. Enumerable.Range(0, 30).Select(_ => random.Next(40))];

            var token = new TokenSampler(options).Next(logits, seen, promptLength: 12);

            token.Id.Should().Be(Choose(options, logits, seen, 12), "options {0}", options);
            var sum = Math.Log(logits.Sum(logit => Math.Exp(logit)));
            token.LogProbability.Should().BeApproximately((float)(logits[token.Id] - sum), 1e-4f);
            var best = logits.Select((logit, id) => (logit, id)).OrderByDescending(pair => pair.logit).ThenBy(pair => pair.id).Take(options.TopLogProbabilities);
            token.Alternatives.ToArray().Select(alternative => alternative.Id).Should().Equal(best.Select(pair => pair.id));
        }
    }

    [Fact]
    public void Next_SteadyState_AllocatesNothing()
    {
        var random = new Random(3);
        float[] logits = [.. Enumerable.Range(0, Vocabulary).Select(_ => random.NextSingle() * 12)];
        int[] seen = [.. Enumerable.Range(0, 100)];
        GenerationOptions[] all =
        [
            new(), new() { Temperature = 0 }, new() { TopK = 0 }, new() { TopK = 0, TopP = 1, MinP = 0.1f }, new() { PresencePenalty = 1, FrequencyPenalty = 1, Temperature = 1, TopP = 0.99f, TopK = 0 },
        ];
        foreach (var options in all)
        {
            var sampler = new TokenSampler(options);
            for (var i = 0; i < 3; i++) sampler.Next(logits, seen, 50);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 50; i++) sampler.Next(logits, seen, 50);
            (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0, "options {0}", options);
        }
    }

    [Fact]
    public void Constructor_NewOptionsOutOfRange_NamesAll()
        => FluentActions.Invoking(() => new TokenSampler(new GenerationOptions { MinP = 1.1f, PresencePenalty = -3, FrequencyPenalty = float.NaN, TopLogProbabilities = 21 }))
            .Should().Throw<AlpacaUsageException>().WithMessage("*MinP*PresencePenalty*FrequencyPenalty*TopLogProbabilities*");

    private static int Choose(GenerationOptions options, float[] logits, int[] seen, int promptLength)
    {
        var scores = logits.ToArray();
        if (options.RepetitionPenalty != 1)
        {
            foreach (var id in seen.Distinct()) scores[id] = scores[id] < 0 ? scores[id] * options.RepetitionPenalty : scores[id] / options.RepetitionPenalty;
        }

        foreach (var id in seen.Skip(promptLength)) scores[id] -= options.FrequencyPenalty;
        foreach (var id in seen.Skip(promptLength).Distinct()) scores[id] -= options.PresencePenalty;
        var order = Enumerable.Range(0, scores.Length).Where(id => scores[id] > float.NegativeInfinity).OrderByDescending(id => scores[id]).ThenBy(id => id).ToList();
        if (options.Temperature == 0) return order[0];

        var max = scores[order[0]];
        var isById = (options.TopK == 0 || options.TopK >= scores.Length) && options.TopP == 1;
        if (options.TopK > 0 && options.TopK < order.Count) order = [.. order.Where(id => scores[id] >= scores[order[options.TopK - 1]])];
        var weights = order.Select(id => Math.Exp((scores[id] - max) / options.Temperature)).ToList();
        var (total, held, count) = (weights.Sum(), 0.0, 0);
        while (count < weights.Count && (count == 0 || options.TopP == 1 || held < options.TopP * total)) held += weights[count++];
        var kept = order.Zip(weights).Take(count).Where(pair => pair.Second >= options.MinP).ToList();
        if (isById) kept = [.. kept.OrderBy(pair => pair.First)];
        var draw = new Random(options.Seed!.Value).NextDouble() * kept.Sum(pair => pair.Second);
        foreach (var (id, weight) in kept)
        {
            draw -= weight;
            if (draw < 0) return id;
        }

        return kept[^1].First;
    }
}
